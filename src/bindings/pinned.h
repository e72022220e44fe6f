#pragma once

#include <Python.h>

#include "bindings/module_state.h"

namespace fasterapi::bindings {

// Adds `PinnedWorkers`, the worker threads of the strategies `pinned` and `threads`, and the functions by which a
// worker's Python code tells of itself. -1 with a Python error set.
int add_pinned(PyObject* module, module_state& state);

}  // namespace fasterapi::bindings
