#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "fasterapi/core/atomics.h"
#include "fasterapi/core/cache_line.h"
#include "fasterapi/core/zeroed_block.h"

namespace fasterapi::core {

// A bounded queue between any number of threads, without locks: first in, first out.
//
// Threads: any may push and pop at any time. Nothing blocks. A thread that is held up in the midst of a push or a pop
// holds up nobody but those who need its cell:
//   - a push in progress hides what was pushed behind it, so a pop may find nothing although a later push has already
//     returned. Whoever waits for values is therefore to be woken after each push, not after the first into an empty
//     queue;
//   - a pop in progress still fills its cell, so a push may find the queue full one lap behind it.
// What a producer wrote before a push is visible to the thread that pops the value, after the pop. A push or pop is no
// full fence: what the caller reads next may have been read before it, so "push, then look whether anybody sleeps"
// needs a seq_cst operation on both sides. A resource: stays put. Values that are left are destroyed with the queue.
//
// Dmitry Vyukov's bounded MPMC queue, with one difference: the number in a cell is not the position that may use it
// next but counts the cell's own changes (its turn: even is free, odd is filled, two for each lap). So zeroed memory is
// an empty queue, and no page is touched before a value reaches it.
template <typename T, typename Atomics = std_atomics>
class mpmc_queue {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

  struct cell {
    uint64_t turn;
    alignas(T) std::byte value[sizeof(T)];
  };
  static_assert(alignof(cell) <= zeroed_block::alignment_max);

 public:
  // Holds at least `capacity` (not zero) values: the next power of two.
  explicit mpmc_queue(size_t capacity) noexcept
      : mask_(std::bit_ceil(capacity) - 1),
        lap_shift_(static_cast<unsigned>(std::countr_zero(mask_ + 1))),
        memory_((mask_ + 1) * sizeof(cell), std::max(alignof(cell), cache_line_bytes)) {
    assert(capacity > 0 && mask_ < SIZE_MAX / 2 / sizeof(cell));
  }
  mpmc_queue(const mpmc_queue&) = delete;
  mpmc_queue& operator=(const mpmc_queue&) = delete;
  ~mpmc_queue() {
    const uint64_t tail = tail_.load(std::memory_order_acquire);
    for (uint64_t i = head_.load(std::memory_order_acquire); i != tail; ++i) std::destroy_at(value_in(at(i)));
  }

  // Where its memory is to come from when it is first used: a NUMA node.
  void prefer_node(int node) const noexcept { memory_.prefer_node(node); }

  // False when at some instant of the call the queue was full, where a value counts until its pop has ended; the value
  // offered is then as it was.
  bool try_push(T&& value) noexcept { return push_batch(std::span<T>(&value, 1)) == 1; }
  bool try_push(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) {
    T copy(value);
    return try_push(std::move(copy));
  }

  // Moves the first values in, as many as there is room for, side by side; returns how many. The others are as they
  // were. They become visible one by one.
  size_t push_batch(std::span<T> values) noexcept {
    const claimed cells = claim(tail_, free, values.size());
    for (size_t i = 0; i < cells.count; ++i) {
      cell& mine = at(cells.first + i);
      new (mine.value) T(std::move(values[i]));
      turn_of(mine).store(turn_for(cells.first + i, filled), std::memory_order_release);
    }
    return cells.count;
  }

  // False when at some instant of the call the queue was empty, or the push next in line was in progress; `out` is then
  // as it was.
  bool try_pop(T& out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>);
    return pop_batch(std::span<T>(&out, 1)) == 1;
  }

  // For values without assignment.
  std::optional<T> try_pop() noexcept {
    const claimed cells = claim(head_, filled, 1);
    if (cells.count == 0) return std::nullopt;
    cell& mine = at(cells.first);
    std::optional<T> value(std::move(*value_in(mine)));
    release(mine, cells.first);
    return value;
  }

  // Moves values out into the first places, as many as are there, in their order; returns how many.
  size_t pop_batch(std::span<T> out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>);
    const claimed cells = claim(head_, filled, out.size());
    for (size_t i = 0; i < cells.count; ++i) {
      cell& mine = at(cells.first + i);
      out[i] = std::move(*value_in(mine));
      release(mine, cells.first + i);
    }
    return cells.count;
  }

  size_t capacity() const noexcept { return mask_ + 1; }

  // How many values there were a moment ago, pushes in progress counted, pops in progress not; exact while all others
  // are idle.
  size_t size_approx() const noexcept {
    const uint64_t head = head_.load(std::memory_order_acquire);
    const uint64_t size = tail_.load(std::memory_order_acquire) - head;
    return static_cast<size_t>(std::min<uint64_t>(size, capacity()));
  }

 private:
  friend struct mpmc_queue_layout;
  using index = typename Atomics::template atomic<uint64_t>;
  using turn_ref = typename Atomics::template atomic_ref<uint64_t>;

  enum state : uint64_t { free = 0, filled = 1 };

  struct claimed {
    uint64_t first;
    size_t count;
  };

  // Takes the next positions, at most `wanted`, whose cells have come to the state that the caller needs.
  claimed claim(index& next, state needed, size_t wanted) noexcept {
    uint64_t first = next.load(std::memory_order_relaxed);
    for (;;) {
      size_t count = 0;
      bool overtaken = false;
      for (; count < wanted; ++count) {
        const uint64_t turn = turn_of(at(first + count)).load(std::memory_order_acquire);
        const uint64_t mine = turn_for(first + count, needed);
        if (turn == mine) continue;
        overtaken = turn > mine;
        break;
      }
      if (count == 0 && !overtaken) return {first, 0};
      if (count == 0) {
        first = next.load(std::memory_order_relaxed);
      } else if (next.compare_exchange_weak(first, first + count, std::memory_order_relaxed)) {
        // No cell was taken by another in between: that would have moved the index, which never comes back.
        return {first, count};
      }
    }
  }

  void release(cell& mine, uint64_t position) noexcept {
    std::destroy_at(value_in(mine));
    turn_of(mine).store(turn_for(position, filled) + 1, std::memory_order_release);
  }

  uint64_t turn_for(uint64_t position, state needed) const noexcept { return (position >> lap_shift_) * 2 + needed; }
  cell& at(uint64_t position) noexcept { return static_cast<cell*>(memory_.data())[position & mask_]; }
  static turn_ref turn_of(cell& one) noexcept { return turn_ref(one.turn); }
  static T* value_in(cell& one) noexcept { return std::launder(reinterpret_cast<T*>(one.value)); }

  // Constant after construction.
  const size_t mask_;
  const unsigned lap_shift_;
  const zeroed_block memory_;

  // The next position to fill: written by producers. Positions count on for ever.
  alignas(false_sharing_bytes) index tail_{0};
  // The next position to take: written by consumers.
  alignas(false_sharing_bytes) index head_{0};
};

}  // namespace fasterapi::core
