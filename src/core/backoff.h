#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace fasterapi::core {

// How long to wait between tries of what keeps failing: each time twice as long, up to a bound. In the caller's unit.
//
// One caller at a time.
class backoff {
 public:
  constexpr backoff(int64_t first, int64_t longest) noexcept : next_(first), longest_(longest) {}

  constexpr int64_t next() noexcept { return std::exchange(next_, std::min(next_ * 2, longest_)); }

 private:
  int64_t next_;
  int64_t longest_;
};

}  // namespace fasterapi::core
