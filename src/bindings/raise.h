#pragma once

#include <Python.h>

#include "fasterapi/core/result.h"

namespace fasterapi::bindings {

// Sets a Python exception for an engine error: OSError with its errno, or `type` with its message. Returns null.
PyObject* raise_error(const core::error& failure, PyObject* type = nullptr);

// Sets fasterapi._threads.ThreadShortage for an error of core::thread::start. Returns null.
PyObject* raise_thread_shortage(const core::error& failure);

}  // namespace fasterapi::bindings
