#pragma once

#include <cstdint>

#include "core/asymmetric_fence.h"
#include "fasterapi/core/atomics.h"

namespace fasterapi::server {

// Who may touch what one thread owns and another takes over while the owner is busy elsewhere. The owner says when it
// leaves and when it comes back, for the price of a store each; a third, who watches, takes a thing whose owner stays
// away, and hands it to a keeper; the owner that comes back asks for it and waits until the keeper lets go.
//
//   the owner     leave() … enter(), and take_back() where that says false
//   the watcher   section(), try_take()
//   the keeper    wanted(), give_back()
//
// Whoever holds the thing sees all that those before it did with it. Atomics: see core::std_atomics; Fences: see
// core::asymmetric_fence.
template <typename Atomics = core::std_atomics, typename Fences = core::asymmetric_fence>
class lending {
 public:
  static constexpr bool is_away(uint64_t section) noexcept { return (section & 1) != 0; }

  // The owner's. A time away is a section, with an odd number.
  void leave() noexcept {
    section_.store(++own_section_, std::memory_order_release);
    Fences::light();
  }
  // False: it may have been taken, and take_back() must follow.
  [[nodiscard]] bool enter() noexcept {
    section_.store(++own_section_, std::memory_order_release);
    Fences::light();
    return claim_.load(std::memory_order_acquire) == free;
  }
  bool away() const noexcept { return is_away(own_section_); }
  // Waits for the watcher to make up its mind, and for the keeper to let go. `summon()` makes the keeper look at
  // wanted() soon. True if it had been taken.
  template <typename Summon>
  bool take_back(Summon&& summon) noexcept {
    bool was_taken = false;
    for (;;) {
      uint32_t seen = claim_.load(std::memory_order_acquire);
      if (seen == free) return was_taken;
      if (seen == taken) {
        was_taken = true;
        if (!claim_.compare_exchange_strong(seen, wanted_back, std::memory_order_acq_rel, std::memory_order_relaxed)) {
          continue;
        }
        summon();
        seen = wanted_back;
      }
      Atomics::wait(claim_, seen);
    }
  }

  // The watcher's, one thread.
  uint64_t section() const noexcept { return section_.load(std::memory_order_acquire); }
  // Takes the thing if its owner is away still, in that section. The keeper must be told of it afterwards.
  [[nodiscard]] bool try_take(uint64_t section_seen) noexcept {
    uint32_t expected = free;
    if (!claim_.compare_exchange_strong(expected, deciding, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return false;
    }
    Fences::heavy();
    const bool is_still_away = section_.load(std::memory_order_acquire) == section_seen;
    claim_.store(is_still_away ? taken : free, std::memory_order_release);
    Atomics::wake(claim_, 1);
    return is_still_away;
  }
  bool is_taken() const noexcept { return claim_.load(std::memory_order_acquire) != free; }

  // The keeper's.
  bool wanted() const noexcept { return claim_.load(std::memory_order_acquire) == wanted_back; }
  // Once it is wanted, or before.
  void give_back() noexcept {
    claim_.store(free, std::memory_order_release);
    Atomics::wake(claim_, 1);
  }

 private:
  static constexpr uint32_t free = 0;         // the owner has it, or nobody asked
  static constexpr uint32_t deciding = 1;     // the watcher looks whether the owner is away still
  static constexpr uint32_t taken = 2;        // the keeper has it
  static constexpr uint32_t wanted_back = 3;  // the keeper has it, and the owner waits

  uint64_t own_section_ = 0;  // the owner's
  typename Atomics::template atomic<uint64_t> section_{0};
  typename Atomics::template atomic<uint32_t> claim_{free};
};

}  // namespace fasterapi::server
