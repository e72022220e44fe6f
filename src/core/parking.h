#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fasterapi/core/atomics.h"

namespace fasterapi::core {

// Where threads without work sleep, each at a spot of its own, and how whoever brings work finds one to wake. No
// wake-up is lost, and none is spent twice: a thread announces itself, looks for work once more, and only then sleeps;
// whoever brings work makes it visible first, looks for sleepers afterwards, and takes one of them off the list by
// waking it. Both sides begin with a read-modify-write of the same word, so that one of them sees the other (an "event
// count").
//
// Any thread may wake; the rest is for the thread that the spot belongs to. Atomics: see std_atomics.
template <typename Atomics = std_atomics>
class parking {
 public:
  explicit parking(size_t spots) : spots_(spots) {}

  // The first step, to be followed by a look for work, and then by sleep() or cancel().
  void announce(size_t spot) noexcept {
    spots_[spot].state.store(asleep, std::memory_order_release);
    all_.fetch_add(1, std::memory_order_acq_rel);
  }
  // Work was found. False: somebody has woken this thread already, for work that may be another's by now.
  bool cancel(size_t spot) noexcept { return take_off(spot); }
  // Until somebody wakes this thread.
  void sleep(size_t spot) noexcept {
    while (spots_[spot].state.load(std::memory_order_acquire) == asleep) Atomics::wait(spots_[spot].state, asleep);
  }

  // To be asked after work was made visible. False: nobody sleeps, or will without having seen that work.
  bool anyone_asleep() noexcept { return all_.fetch_add(0, std::memory_order_acq_rel) != 0; }
  bool sleeps(size_t spot) const noexcept { return spots_[spot].state.load(std::memory_order_relaxed) == asleep; }
  // False: it does not sleep, or somebody else wakes it.
  bool wake(size_t spot) noexcept {
    if (!take_off(spot)) return false;
    Atomics::wake(spots_[spot].state, 1);
    return true;
  }

 private:
  static constexpr uint32_t awake = 0;
  static constexpr uint32_t asleep = 1;

  using word = typename Atomics::template atomic<uint32_t>;
  struct alignas(64) place {
    word state{awake};
  };

  bool take_off(size_t spot) noexcept {
    uint32_t expected = asleep;
    if (!spots_[spot].state.compare_exchange_strong(expected, awake, std::memory_order_acq_rel,
                                                    std::memory_order_relaxed)) {
      return false;
    }
    all_.fetch_sub(1, std::memory_order_acq_rel);
    return true;
  }

  std::vector<place> spots_;
  alignas(64) word all_{0};
};

}  // namespace fasterapi::core
