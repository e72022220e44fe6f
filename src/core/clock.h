#pragma once

#include <cstdint>

namespace fasterapi::core {

// Monotonic time in nanoseconds (CLOCK_MONOTONIC, the clock of Python's time.monotonic()).
int64_t monotonic_ns() noexcept;
// Monotonic time in milliseconds, no finer than the kernel's tick: for connection deadlines.
int64_t coarse_ms() noexcept;
// Wall-clock time in whole seconds since 1970-01-01 UTC, no finer than the kernel's tick.
int64_t wall_seconds() noexcept;

}  // namespace fasterapi::core
