#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
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

// A bounded queue from one thread to one other, without locks: first in, first out.
//
// Threads: at any time one producer (try_push, push_batch) and one consumer (try_pop, pop_batch), which may be the same
// thread; a role passes to another thread only with synchronisation of its own. capacity() and size_approx(): any
// thread. Nothing blocks, and each call ends after a bounded number of steps, whatever the other side does.
// What the producer wrote before a push is visible to the consumer after the pop of that value. A push or pop is no
// full fence: what the caller reads next may have been read before it. A resource: stays put. Values that are left are
// destroyed with the queue.
//
// As in Aeron's ring buffers, each side keeps its index on cache lines of its own beside a copy of the other's index,
// and reads the original only when the copy says full or empty.
template <typename T, typename Atomics = std_atomics>
class spsc_queue {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);
  static_assert(alignof(T) <= zeroed_block::alignment_max);

 public:
  // Holds at least `capacity` (not zero) values: the next power of two.
  explicit spsc_queue(size_t capacity) noexcept
      : mask_(std::bit_ceil(capacity) - 1), memory_((mask_ + 1) * sizeof(T), std::max(alignof(T), cache_line_bytes)) {
    assert(capacity > 0 && mask_ < SIZE_MAX / 2 / sizeof(T));
  }
  spsc_queue(const spsc_queue&) = delete;
  spsc_queue& operator=(const spsc_queue&) = delete;
  ~spsc_queue() {
    const size_t tail = tail_.load(std::memory_order_acquire);
    for (size_t i = head_.load(std::memory_order_acquire); i != tail; ++i) std::destroy_at(slot(i));
  }

  // Producer. False when the queue was full at some instant of the call; the value is then as it was.
  bool try_push(T&& value) noexcept { return push_one(std::move(value)); }
  bool try_push(const T& value) noexcept(std::is_nothrow_copy_constructible_v<T>) { return push_one(value); }

  // Producer. Moves the first values in, as many as there is room for, with one store that makes all of them visible;
  // returns how many. The others are as they were.
  size_t push_batch(std::span<T> values) noexcept {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    const size_t count = std::min(values.size(), room(tail, values.size()));
    if (count == 0) return 0;
    for (size_t i = 0; i < count; ++i) new (place(tail + i)) T(std::move(values[i]));
    tail_.store(tail + count, std::memory_order_release);
    return count;
  }

  // Consumer. False when the queue was empty at some instant of the call; `out` is then as it was.
  bool try_pop(T& out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>);
    return pop_batch(std::span<T>(&out, 1)) == 1;
  }

  // Consumer, for values without assignment.
  std::optional<T> try_pop() noexcept {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (waiting(head, 1) == 0) return std::nullopt;
    std::optional<T> value(std::move(*slot(head)));
    std::destroy_at(slot(head));
    head_.store(head + 1, std::memory_order_release);
    return value;
  }

  // Consumer. Moves values out into the first places, as many as are there; returns how many.
  size_t pop_batch(std::span<T> out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>);
    const size_t head = head_.load(std::memory_order_relaxed);
    const size_t count = std::min(out.size(), waiting(head, out.size()));
    if (count == 0) return 0;
    for (size_t i = 0; i < count; ++i) {
      out[i] = std::move(*slot(head + i));
      std::destroy_at(slot(head + i));
    }
    head_.store(head + count, std::memory_order_release);
    return count;
  }

  size_t capacity() const noexcept { return mask_ + 1; }

  // How many values there were a moment ago; exact for a caller that knows the other side to be idle.
  size_t size_approx() const noexcept {
    const size_t head = head_.load(std::memory_order_acquire);
    return std::min(tail_.load(std::memory_order_acquire) - head, capacity());
  }

 private:
  friend struct spsc_queue_layout;

  template <typename Value>
  bool push_one(Value&& value) noexcept(std::is_nothrow_constructible_v<T, Value&&>) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (room(tail, 1) == 0) return false;
    new (place(tail)) T(std::forward<Value>(value));
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // Producer: free places, exact when fewer than `wanted` are known to be free.
  size_t room(size_t tail, size_t wanted) noexcept {
    size_t known = capacity() - (tail - head_seen_);
    if (known < wanted) {
      head_seen_ = head_.load(std::memory_order_acquire);
      known = capacity() - (tail - head_seen_);
    }
    return known;
  }

  // Consumer: values to take, exact when fewer than `wanted` are known to be there.
  size_t waiting(size_t head, size_t wanted) noexcept {
    size_t known = tail_seen_ - head;
    if (known < wanted) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      known = tail_seen_ - head;
    }
    return known;
  }

  void* place(size_t index) noexcept { return static_cast<std::byte*>(memory_.data()) + (index & mask_) * sizeof(T); }
  T* slot(size_t index) noexcept { return std::launder(static_cast<T*>(place(index))); }

  // Constant after construction.
  const size_t mask_;
  const zeroed_block memory_;

  // Written by the producer. Indices count on for ever; the place is the index modulo the capacity.
  alignas(false_sharing_bytes) typename Atomics::template atomic<size_t> tail_{0};
  typename Atomics::template plain<size_t> head_seen_{0};

  // Written by the consumer.
  alignas(false_sharing_bytes) typename Atomics::template atomic<size_t> head_{0};
  typename Atomics::template plain<size_t> tail_seen_{0};
};

}  // namespace fasterapi::core
