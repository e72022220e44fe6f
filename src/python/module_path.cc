#include "python/module_path.h"

#include "fasterapi/python/ref.h"

namespace fasterapi::python {

bool read_module_path(PyObject* list, std::vector<std::string>& to) {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    PyObject* encoded = nullptr;
    if (PyUnicode_FSConverter(PyList_GET_ITEM(list, i), &encoded) == 0) return false;
    to.emplace_back(PyBytes_AS_STRING(encoded), static_cast<size_t>(PyBytes_GET_SIZE(encoded)));
    Py_DECREF(encoded);
  }
  return true;
}

bool set_module_path(const std::vector<std::string>& entries) noexcept {
  const ref path = ref::steal(PyList_New(0));
  for (const std::string& entry : entries) {
    const ref text = ref::steal(
        path ? PyUnicode_DecodeFSDefaultAndSize(entry.data(), static_cast<Py_ssize_t>(entry.size())) : nullptr);
    if (!text || PyList_Append(path.get(), text.get()) != 0) return false;
  }
  return path && PySys_SetObject("path", path.get()) == 0;
}

}  // namespace fasterapi::python
