#pragma once

#include <Python.h>

#include "bindings/module_state.h"

namespace fasterapi::bindings {

// Adds the types of shared objects, and the functions with which the launcher gives workers one shared memory. -1 with
// a Python error set.
int add_shared_memory(PyObject* module, module_state& state);

}  // namespace fasterapi::bindings
