#pragma once

#include <Python.h>

#include <algorithm>
#include <cstdint>

#include "core/clock.h"

namespace fasterapi::bindings {

// How long signals go unhandled while a thread waits in C++.
inline constexpr int64_t signal_poll_ns = 50'000'000;

// Waits without the GIL, and lets signals be handled meanwhile. `wait(deadline_ns)` is called detached and says whether
// there is nothing more to wait for. 1: there is nothing more; 0: the deadline has passed; -1: a signal's handler
// raised.
template <typename Wait>
int wait_detached(int64_t deadline_ns, Wait wait) {
  for (;;) {
    const int64_t slice_ns = std::min(deadline_ns, core::monotonic_ns() + signal_poll_ns);
    bool is_over = false;
    Py_BEGIN_ALLOW_THREADS;
    is_over = wait(slice_ns);
    Py_END_ALLOW_THREADS;
    if (is_over) return 1;
    if (PyErr_CheckSignals() != 0) return -1;
    if (slice_ns == deadline_ns) return 0;
  }
}

}  // namespace fasterapi::bindings
