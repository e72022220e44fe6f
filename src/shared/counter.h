#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace fasterapi::shared {

// A number that never wraps around. Lives in shared memory; a single word, so that no death can tear it.
class counter {
 public:
  explicit counter(int64_t initial) noexcept : value_(initial) {}

  int64_t value() const noexcept { return value_.load(); }
  void set(int64_t value) noexcept { value_.store(value); }
  // The new value; nothing where it has no room, and then nothing is added.
  std::optional<int64_t> add(int64_t more) noexcept {
    int64_t before = value_.load(std::memory_order_relaxed);
    for (;;) {
      int64_t after = 0;
      if (__builtin_add_overflow(before, more, &after)) return std::nullopt;
      if (value_.compare_exchange_weak(before, after)) return after;
    }
  }
  bool compare_and_set(int64_t expected, int64_t value) noexcept {
    return value_.compare_exchange_strong(expected, value);
  }

 private:
  static_assert(std::atomic<int64_t>::is_always_lock_free);

  alignas(64) std::atomic<int64_t> value_;  // alone on its cache line
};

}  // namespace fasterapi::shared
