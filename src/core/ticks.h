#pragma once

#include <atomic>
#include <cstdint>

#include "core/clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace fasterapi::core {

// Cheap monotonic timestamps, for measuring how long things take: the CPU's time stamp counter where that runs at one
// rate on all CPUs, CLOCK_MONOTONIC elsewhere. Worth nothing outside of this process.
//
// Any thread. prepare() comes first, once per process or more often: before it, nothing is measured.
class ticks {
 public:
  // Looks at the CPU, and compares its counter with the clock; takes a millisecond the first time.
  static void prepare() noexcept;
  // Whether reads are those of the CPU's counter.
  static bool counts_cycles() noexcept { return ns_per_tick_q32_.load(std::memory_order_relaxed) != 0; }

  static ticks now() noexcept {
#if defined(__x86_64__)
    if (counts_cycles()) [[likely]]
      return ticks(__rdtsc());
#endif
    return ticks(static_cast<uint64_t>(monotonic_ns()));
  }

  constexpr ticks() noexcept = default;
  // No moment: none was read yet.
  constexpr bool empty() const noexcept { return count_ == 0; }

  // Nanoseconds from `since` to this moment; 0 where that lies before, as it may by a little between two CPUs.
  int64_t ns_since(ticks since) const noexcept {
    if (count_ <= since.count_) return 0;
    const uint64_t span = count_ - since.count_;
    const uint64_t rate = ns_per_tick_q32_.load(std::memory_order_relaxed);
    if (rate == 0) return static_cast<int64_t>(span);
    // Split so that no product exceeds 64 bits: spans of up to a century, at rates of less than 1 ns a tick.
    const uint64_t high = (span >> 32) * rate;
    const uint64_t low = ((span & 0xFFFF'FFFFU) * rate) >> 32;
    return static_cast<int64_t>(high + low);
  }

 private:
  constexpr explicit ticks(uint64_t count) noexcept : count_(count) {}

  // Nanoseconds per tick, times 2^32; 0 where ticks are nanoseconds of the clock.
  inline static std::atomic<uint64_t> ns_per_tick_q32_ = 0;

  uint64_t count_ = 0;
};

}  // namespace fasterapi::core
