#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "shared/bell.h"
#include "shared/region.h"

namespace fasterapi::shared {

// Where threads and event loops wait until something that others change suits them. Lives in shared memory.
//
// Whoever waits announces itself first (arrive() or hang()), then looks once more at what it waits for, and only then
// sleeps: so a change that comes after the look wakes it. All who wait are woken, and look again. A notifier that dies
// between the change and the call leaves them asleep, and so they look again from time to time without being called.
class wait_point {
 public:
  // Announces a thread that is about to look; gives what sleep() wants.
  uint32_t arrive() noexcept {
    const uint32_t round = rounds_.load();
    sleepers_.store(1);
    return round;
  }
  // Sleeps unless notify() was called since arrive(); until it is, or until the deadline (core::monotonic_ns()), or for
  // no reason at all, such as a signal.
  void sleep(uint32_t round, int64_t deadline_ns) noexcept;

  // Announces a bell, which is rung once; after that it is hung again.
  void hang(size_t bell_index) noexcept { bells_[bell_index / 64].fetch_or(uint64_t{1} << bell_index % 64); }

  // Calls everybody, after the change. Costs little where nobody waits.
  void notify(const region& in) noexcept;

 private:
  void wake_threads() noexcept;

  std::atomic<uint32_t> rounds_ = 0;    // how often notify() was called
  std::atomic<uint32_t> sleepers_ = 0;  // 1: a thread may be asleep
  std::array<std::atomic<uint64_t>, max_bells / 64> bells_ = {};
};

}  // namespace fasterapi::shared
