#pragma once

#include <Python.h>

#include "bindings/module_state.h"

namespace fasterapi::bindings {

// Each adds a type of shared objects to the module. -1 with a Python error set. The types are bases of those in
// fasterapi/shared.py, which users meet.
int add_shared_counter(PyObject* module, module_state& state);
int add_shared_dict(PyObject* module, module_state& state);

}  // namespace fasterapi::bindings
