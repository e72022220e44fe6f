#include "core/ticks.h"

#include <mutex>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fasterapi::core {

namespace {

#if defined(__x86_64__)

// One rate whatever the CPU's clock does, and no pause in sleep states: Intel SDM vol. 3B, 18.17.1; AMD APM vol. 3,
// E.4.7.
bool has_invariant_counter() noexcept {
  constexpr unsigned power_management = 0x8000'0007;
  constexpr unsigned invariant_counter = 1U << 8;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(power_management, &a, &b, &c, &d) != 0 && (d & invariant_counter) != 0;
}

struct reading {
  uint64_t counter;
  int64_t ns;
};

// Both clocks at one moment: of several tries the one in which least time passed between the two.
reading read_both() noexcept {
  reading best{};
  uint64_t narrowest = UINT64_MAX;
  for (int i = 0; i < 16; ++i) {
    const uint64_t before = __rdtsc();
    const int64_t ns = monotonic_ns();
    const uint64_t width = __rdtsc() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    best = {before + width / 2, ns};
  }
  return best;
}

// Nanoseconds per tick times 2^32; 0 where the counter is not to be trusted.
uint64_t calibrate() noexcept {
  constexpr int64_t period_ns = 1'000'000;
  if (!has_invariant_counter()) return 0;
  const reading begin = read_both();
  while (monotonic_ns() - begin.ns < period_ns) _mm_pause();
  const reading end = read_both();
  if (end.counter <= begin.counter) return 0;
  const double rate = static_cast<double>(end.ns - begin.ns) / static_cast<double>(end.counter - begin.counter);
  // A counter below 1 GHz would not be finer than the clock.
  return rate < 1.0 ? static_cast<uint64_t>(rate * 4294967296.0) : 0;
}

#else

uint64_t calibrate() noexcept { return 0; }

#endif

}  // namespace

void ticks::prepare() noexcept {
  static std::once_flag once;
  std::call_once(once, [] { ns_per_tick_q32_.store(calibrate(), std::memory_order_relaxed); });
}

}  // namespace fasterapi::core
