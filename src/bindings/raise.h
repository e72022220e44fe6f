#pragma once

#include <Python.h>

#include "fasterapi/core/result.h"

namespace fasterapi::bindings {

// Sets a Python exception for an engine error: OSError with its errno, or `type` with its message. Returns null.
PyObject* raise_error(const core::error& failure, PyObject* type = nullptr);

}  // namespace fasterapi::bindings
