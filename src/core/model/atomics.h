#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/model/execution.h"
#include "fasterapi/core/futex.h"

namespace fasterapi::core::model {

namespace words {

template <typename T>
uint64_t to_word(T value) {
  static_assert(std::is_trivially_copyable_v<T> &&
                sizeof(T) <= sizeof(uint64_t));  // NOLINT(bugprone-sizeof-expression)
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);  // NOLINT(bugprone-sizeof-expression)
  return word;
}

template <typename T>
T from_word(uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof value);  // NOLINT(bugprone-sizeof-expression)
  return value;
}

}  // namespace words

// The operations of std::atomic and std::atomic_ref. The value lives in the model's memory, under the address of a
// word.
template <typename T>
class atomic_operations {
 public:
  using value_type = T;

  T load(std::memory_order order = std::memory_order_seq_cst) const {
    return of(execution::current().load(word_, order, initial()));
  }
  operator T() const { return load(); }  // NOLINT(google-explicit-constructor): as std::atomic
  void store(T value, std::memory_order order = std::memory_order_seq_cst) const {
    execution::current().store(word_, order, words::to_word(value), initial());
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst) const {
    return change(order, [value](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) const {
    const T before = of(execution::current().compare_exchange(word_, words::to_word(expected), words::to_word(desired),
                                                              success, failure, initial()));
    const bool exchanged = words::to_word(before) == words::to_word(expected);
    expected = before;
    return exchanged;
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst) const {
    return compare_exchange_strong(expected, desired, order, without_release(order));
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) const {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst) const {
    return compare_exchange_strong(expected, desired, order);
  }
  T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst) const {
    return change(order, [by](T was) { return static_cast<T>(was + by); });
  }
  T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst) const {
    return change(order, [by](T was) { return static_cast<T>(was - by); });
  }
  T fetch_or(T bits, std::memory_order order = std::memory_order_seq_cst) const {
    return change(order, [bits](T was) { return static_cast<T>(was | bits); });
  }
  T fetch_and(T bits, std::memory_order order = std::memory_order_seq_cst) const {
    return change(order, [bits](T was) { return static_cast<T>(was & bits); });
  }
  T fetch_xor(T bits, std::memory_order order = std::memory_order_seq_cst) const {
    return change(order, [bits](T was) { return static_cast<T>(was ^ bits); });
  }

 protected:
  explicit atomic_operations(const T* word) : word_(word) {}
  ~atomic_operations() = default;

  static std::memory_order without_release(std::memory_order order) {
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
    return order == std::memory_order_release ? std::memory_order_relaxed : order;
  }
  static T of(uint64_t word) { return words::from_word<T>(word); }
  uint64_t initial() const { return words::to_word(*word_); }
  template <typename Change>
  T change(std::memory_order order, Change next) const {
    return of(execution::current().update(word_, order, initial(),
                                          [&](uint64_t was) { return words::to_word(next(of(was))); }));
  }

  const T* word_;
};

// The atomics policy (fasterapi/core/atomics.h) under which each operation is a step of a scenario.
struct atomics {
  template <typename T>
  class atomic : public atomic_operations<T> {
   public:
    atomic() : atomic(T{}) {}
    // Implicit, as std::atomic's. NOLINTNEXTLINE(google-explicit-constructor)
    atomic(T value) : atomic_operations<T>(&storage_) { execution::current().create(&storage_, words::to_word(value)); }
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;
    ~atomic() { execution::current().destroy(&storage_); }

    T operator=(T value) {  // NOLINT(misc-unconventional-assign-operator): as std::atomic
      this->store(value);
      return value;
    }

    const void* address() const { return &storage_; }

   private:
    T storage_{};
  };

  template <typename T>
  class atomic_ref : public atomic_operations<T> {
   public:
    explicit atomic_ref(T& word) : atomic_operations<T>(&word) {}
  };

  // A value of which each use is checked for races.
  template <typename T>
  class plain {
   public:
    plain() : plain(T{}) {}
    plain(T value) : value_(value) { execution::current().begin_life(this, true); }  // NOLINT: as a T
    plain(const plain&) = delete;
    plain& operator=(const plain&) = delete;
    ~plain() { execution::current().end_life(this); }

    operator T() const {  // NOLINT(google-explicit-constructor): as a T
      execution::current().read(this);
      return value_;
    }
    T operator=(T value) {  // NOLINT(misc-unconventional-assign-operator): as a T
      execution::current().write(this);
      return value_ = value;
    }

   private:
    T value_;
  };

  static bool wait(const atomic<uint32_t>& word, uint32_t expected, int64_t deadline_ns = no_deadline) {
    return execution::current().wait(word.address(), expected, deadline_ns != no_deadline);
  }
  static void wake(const atomic<uint32_t>& word, uint32_t count) { execution::current().wake(word.address(), count); }
  static void pause() { execution::current().pause(); }
};

// A value to send through what is under test: each making, moving and destroying is checked for races and for taking
// place once.
class tracked {
 public:
  explicit tracked(int number) : number_(number) { execution::current().begin_life(this, false); }
  tracked(tracked&& from) noexcept : number_(from.take()) { execution::current().begin_life(this, false); }
  tracked& operator=(tracked&& from) noexcept {
    const int number = from.take();
    execution::current().write(this);
    number_ = number;
    return *this;
  }
  ~tracked() { execution::current().end_life(this); }

  int number() const {
    execution::current().read(this);
    return number_;
  }

  static constexpr int moved_from = -1;

 private:
  int take() {
    execution::current().read(this);
    execution::current().write(this);
    const int number = number_;
    number_ = moved_from;
    return number;
  }

  int number_;
};

}  // namespace fasterapi::core::model
