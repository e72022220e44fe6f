#include "bindings/shared_access.h"

#include <cmath>

#include "bindings/raise.h"
#include "shared/process_region.h"

namespace fasterapi::bindings {

const shared::region* shared_region() {
  core::result<const shared::region*> found = shared::process_region();
  if (found.ok()) return found.value();
  raise_error(found.failure());
  return nullptr;
}

void* open_shared(const shared::region& in, PyObject* name, const shared::object_plan& plan) {
  if (!PyUnicode_Check(name)) {
    PyErr_Format(PyExc_TypeError, "a name is a str, not %.100s", Py_TYPE(name)->tp_name);
    return nullptr;
  }
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(name, &size);
  if (utf8 == nullptr) return nullptr;
  gil_patience waiting;
  core::result<void*> found = shared::open_object(in, {utf8, static_cast<size_t>(size)}, plan, waiting);
  if (found.ok()) return found.value();
  const std::error_code code = found.failure().code;
  PyObject* type = code == shared::directory_errc::other_kind ? PyExc_TypeError
                   : code == shared::directory_errc::full     ? PyExc_MemoryError
                                                              : PyExc_ValueError;
  raise_error(found.failure(), type);
  return nullptr;
}

PyObject* raise_shared_full(const shared::region& in) { return raise_error(shared::full_error(in), PyExc_MemoryError); }

bool read_seconds(PyObject* seconds, const char* what, uint64_t forever, uint64_t& ns) {
  const double number = PyFloat_AsDouble(seconds);
  if (number == -1.0 && PyErr_Occurred() != nullptr) return false;
  if (!(number > 0)) {
    PyErr_Format(PyExc_ValueError, "%s must be above 0", what);
    return false;
  }
  constexpr double most = 9e9;  // three centuries
  ns = number > most ? forever : static_cast<uint64_t>(std::llround(std::fmax(number * 1e9, 1)));
  return true;
}

}  // namespace fasterapi::bindings
