#pragma once

#include <Python.h>

#include "bindings/module_state.h"

namespace fasterapi::bindings {

// Adds the functions by which Python code makes, hands over and reads the board of the server's figures. -1 with a
// Python error set.
int add_stats(PyObject* module, module_state& state);

}  // namespace fasterapi::bindings
