#include "core/clock.h"

#include <ctime>

namespace fasterapi::core {

namespace {
timespec read_clock(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return now;
}
}  // namespace

int64_t monotonic_ns() noexcept {
  const timespec now = read_clock(CLOCK_MONOTONIC);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

int64_t coarse_ms() noexcept {
  const timespec now = read_clock(CLOCK_MONOTONIC_COARSE);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int64_t wall_seconds() noexcept { return read_clock(CLOCK_REALTIME_COARSE).tv_sec; }

}  // namespace fasterapi::core
