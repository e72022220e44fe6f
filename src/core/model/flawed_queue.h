#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "core/model/atomics.h"

namespace fasterapi::core::model {

// What is wrong with a queue.
enum class flaw {
  none,
  push_without_look,  // does not see whether the cell is free
  pop_without_look,   // does not see whether the cell is filled
  no_laps,            // a cell says free or filled, not in which lap
  told_too_early,     // says that the cell is filled, then fills it
  two_step_claim,     // reads the index, then writes it
};

// A queue of the kind of mpmc_queue with two cells and one flaw, to see whether the model checker finds it.
template <flaw Flaw>
class flawed_queue {
 public:
  explicit flawed_queue(size_t) {}
  ~flawed_queue() {
    const uint64_t tail = tail_.load();
    for (uint64_t i = head_.load(); i != tail; ++i) std::destroy_at(value_in(i));
  }

  bool try_push(tracked&& value) {
    const std::optional<uint64_t> mine = claim(tail_, 0, Flaw != flaw::push_without_look);
    if (!mine) return false;
    if (Flaw == flaw::told_too_early) turn_of(*mine).store(turn(*mine, 1), std::memory_order_release);
    new (cells_[*mine % 2].value) tracked(std::move(value));
    if (Flaw != flaw::told_too_early) turn_of(*mine).store(turn(*mine, 1), std::memory_order_release);
    return true;
  }

  std::optional<tracked> try_pop() {
    const std::optional<uint64_t> mine = claim(head_, 1, Flaw != flaw::pop_without_look);
    if (!mine) return std::nullopt;
    std::optional<tracked> value(std::move(*value_in(*mine)));
    std::destroy_at(value_in(*mine));
    turn_of(*mine).store(turn(*mine + 2, 0), std::memory_order_release);
    return value;
  }

 private:
  struct cell {
    uint64_t turn = 0;
    alignas(tracked) std::byte value[sizeof(tracked)];
  };

  static uint64_t turn(uint64_t position, uint64_t state) {
    return Flaw == flaw::no_laps ? state : position / 2 * 2 + state;
  }
  atomics::atomic_ref<uint64_t> turn_of(uint64_t position) {
    return atomics::atomic_ref<uint64_t>(cells_[position % 2].turn);
  }
  tracked* value_in(uint64_t position) { return std::launder(reinterpret_cast<tracked*>(cells_[position % 2].value)); }

  std::optional<uint64_t> claim(atomics::atomic<uint64_t>& next, uint64_t state, bool look) {
    uint64_t mine = next.load(std::memory_order_relaxed);
    for (int attempt = 0; attempt < 4; ++attempt) {
      const uint64_t now = look ? turn_of(mine).load(std::memory_order_acquire) : turn(mine, state);
      if (now < turn(mine, state)) return std::nullopt;
      if (now > turn(mine, state)) {
        if (Flaw == flaw::no_laps) return std::nullopt;
        mine = next.load(std::memory_order_relaxed);
      } else if (Flaw == flaw::two_step_claim) {
        next.store(mine + 1, std::memory_order_relaxed);
        return mine;
      } else if (next.compare_exchange_strong(mine, mine + 1, std::memory_order_relaxed)) {
        return mine;
      }
    }
    return std::nullopt;
  }

  std::array<cell, 2> cells_;
  atomics::atomic<uint64_t> tail_{0};
  atomics::atomic<uint64_t> head_{0};
};

}  // namespace fasterapi::core::model
