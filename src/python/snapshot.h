#pragma once

#include <Python.h>

#include "fasterapi/python/ref.h"

namespace fasterapi::python {

// A list, dict or tuple (exactly) as it is now, that no other thread changes: without a GIL a copy, a list's as a
// tuple. None with an exception set where there is no memory for it.
inline ref snapshot_of(PyObject* container) noexcept {
#ifdef Py_GIL_DISABLED
  if (PyList_CheckExact(container)) return ref::steal(PyList_AsTuple(container));
  if (PyDict_CheckExact(container)) return ref::steal(PyDict_Copy(container));
#endif
  return ref::share(container);
}

}  // namespace fasterapi::python
