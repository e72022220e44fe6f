#include "bindings/raise.h"

#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

PyObject* raise_error(const core::error& failure, PyObject* type) {
  if (type != nullptr) {
    PyErr_SetString(type, failure.message.c_str());
    return nullptr;
  }
  const python::ref arguments =
      python::ref::steal(Py_BuildValue("(is)", failure.code.value(), failure.message.c_str()));
  if (arguments) PyErr_SetObject(PyExc_OSError, arguments.get());
  return nullptr;
}

PyObject* raise_thread_shortage(const core::error& failure) {
  const python::ref module = python::ref::steal(PyImport_ImportModule("fasterapi._threads"));
  const python::ref kind =
      python::ref::steal(module ? PyObject_GetAttrString(module.get(), "ThreadShortage") : nullptr);
  return kind ? raise_error(failure, kind.get()) : nullptr;
}

}  // namespace fasterapi::bindings
