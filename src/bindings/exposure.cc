#include "bindings/exposure.h"

#include "python/interruption.h"

namespace fasterapi::bindings {

namespace {

using python::interruption;

// callable(*args), during which the calling thread is sheltered or is not, and afterwards is what it was.
PyObject* call(bool is_sheltered, PyObject* const* args, Py_ssize_t count) {
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "a callable is missing");
    return nullptr;
  }
  interruption* raised = interruption::here();
  const bool changes = raised != nullptr && raised->is_sheltered() != is_sheltered;
  if (changes) is_sheltered ? raised->shelter() : raised->expose();
  PyObject* result = PyObject_Vectorcall(args[0], args + 1, static_cast<size_t>(count - 1), nullptr);
  if (changes) is_sheltered ? raised->expose() : raised->shelter();
  return result;
}

PyObject* exposed(PyObject*, PyObject* const* args, Py_ssize_t count) { return call(false, args, count); }
PyObject* sheltered(PyObject*, PyObject* const* args, Py_ssize_t count) { return call(true, args, count); }

PyMethodDef functions[] = {
    {"exposed", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(exposed)), METH_FASTCALL,
     "callable(*args): code of the app, which the deadline of its call may interrupt."},
    {"sheltered", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(sheltered)), METH_FASTCALL,
     "callable(*args): code that no deadline interrupts."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_exposure(PyObject* module) { return PyModule_AddFunctions(module, functions); }

}  // namespace fasterapi::bindings
