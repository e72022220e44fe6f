#pragma once

#include <Python.h>

namespace fasterapi::python {

// Whether the caller's reference to the object is the only one. Without a GIL it may say no where it is.
inline bool is_held_once(PyObject* object) noexcept {
#ifdef Py_GIL_DISABLED
  // Another thread's counts change while they are read.
  return _Py_IsOwnedByCurrentThread(object) && Py_REFCNT(object) == 1;
#else
  return Py_REFCNT(object) == 1;
#endif
}

}  // namespace fasterapi::python
