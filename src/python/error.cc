#include "fasterapi/python/error.h"

#include "fasterapi/python/errc.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::python {

namespace {

// The text of a str object; what cannot be read as text is left out. Clears every exception.
std::string text_of(const ref& object) {
  const char* utf8 = object ? PyUnicode_AsUTF8(object.get()) : nullptr;
  std::string text(utf8 != nullptr ? utf8 : "");
  PyErr_Clear();
  return text;
}

std::string name_of(PyTypeObject* type) {
  const std::string module =
      text_of(ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), "__module__")));
  const std::string name = text_of(ref::steal(PyType_GetQualName(type)));
  return module.empty() || module == "builtins" ? name : module + "." + name;
}

std::string traceback_of(const ref& raised) {
  const ref module = ref::steal(PyImport_ImportModule("traceback"));
  const ref lines =
      ref::steal(module ? PyObject_CallMethod(module.get(), "format_exception", "O", raised.get()) : nullptr);
  const ref nothing = ref::steal(PyUnicode_FromString(""));
  return text_of(ref::steal(lines && nothing ? PyUnicode_Join(nothing.get(), lines.get()) : nullptr));
}

}  // namespace

error error::take(const gil&) {
  const ref raised = ref::steal(PyErr_GetRaisedException());
  error taken;
  taken.type = name_of(Py_TYPE(raised.get()));
  taken.message = text_of(ref::steal(PyObject_Str(raised.get())));
  taken.traceback = traceback_of(raised);
  return taken;
}

core::error error::as_core() const { return {errc::raised, message.empty() ? type : type + ": " + message, traceback}; }

}  // namespace fasterapi::python
