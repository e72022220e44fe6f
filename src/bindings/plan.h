#pragma once

#include <Python.h>

#include "bindings/compiled_plan.h"
#include "bindings/module_state.h"

namespace fasterapi::bindings {

// Adds the `Plan` type to the module. -1 with a Python error set.
int add_plan(PyObject* module, module_state& state);

// The plan inside a `Plan` object, which must outlive its use.
const compiled_plan& plan_of(PyObject* plan_object) noexcept;

}  // namespace fasterapi::bindings
