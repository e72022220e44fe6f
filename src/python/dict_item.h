#pragma once

#include <Python.h>

#include "fasterapi/python/ref.h"

namespace fasterapi::python {

// A dict's value by its key, held whatever other threads do to the dict. None where there is none, and with an
// exception set where the lookup failed.
inline ref dict_item(PyObject* dict, PyObject* key) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  PyObject* found = nullptr;
  PyDict_GetItemRef(dict, key, &found);
  return ref::steal(found);
#else
  return ref::share(PyDict_GetItemWithError(dict, key));
#endif
}

}  // namespace fasterapi::python
