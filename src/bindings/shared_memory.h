#pragma once

#include <Python.h>

namespace fasterapi::bindings {

// Adds the functions with which the launcher gives workers one shared memory. -1 with a Python error set.
int add_shared_memory(PyObject* module);

}  // namespace fasterapi::bindings
