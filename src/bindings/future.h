#pragma once

#include <Python.h>

#include "bindings/module_state.h"
#include "bindings/remote_call.h"

namespace fasterapi::bindings {

// Adds `FutureBase`, the C++ half of fasterapi._future.Future. -1 with a Python error set.
int add_future(PyObject* module, module_state& state);

// The future of a call, which takes over a reference to it; null with a Python error set, and the reference released.
PyObject* make_future(module_state& state, remote_call* call);

// Seconds as an argument (None: no bound) as a monotonic deadline. False with a Python error set.
bool read_deadline(PyObject* seconds, int64_t& deadline_ns);

}  // namespace fasterapi::bindings
