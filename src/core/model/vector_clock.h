#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace fasterapi::core::model {

// Threads of a scenario; number 0 is the one that sets it up and looks at the outcome.
inline constexpr size_t threads_max = 8;

// How many events of each thread are known to have happened before.
class vector_clock {
 public:
  uint32_t operator[](size_t thread) const noexcept { return events_[thread]; }
  uint32_t& operator[](size_t thread) noexcept { return events_[thread]; }

  void join(const vector_clock& other) noexcept {
    for (size_t i = 0; i < threads_max; ++i) events_[i] = std::max(events_[i], other.events_[i]);
  }

  // Whether each event that `other` knows is known here. An event is its number in its thread, from 1; 0 is none.
  bool covers(const vector_clock& other) const noexcept {
    return std::equal(events_.begin(), events_.end(), other.events_.begin(), std::greater_equal<>());
  }

 private:
  std::array<uint32_t, threads_max> events_{};
};

}  // namespace fasterapi::core::model
