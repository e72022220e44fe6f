#pragma once

#include <Python.h>

#include "bindings/module_state.h"

namespace fasterapi::bindings {

// Adds `ExecutorBase`, the C++ half of fasterapi.executor.SubinterpreterExecutor, and what ends executors with their
// interpreter. -1 with a Python error set.
int add_executor(PyObject* module, module_state& state);

}  // namespace fasterapi::bindings
