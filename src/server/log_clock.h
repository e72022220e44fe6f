#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fasterapi::server {

// The time of log lines, in the forms that the package's own log has (fasterapi/_logging.py). The part up to the second
// is rendered once a second.
//
// One thread. A view holds until the next call.
class log_clock {
 public:
  explicit log_clock(bool utc) noexcept : utc_(utc) {}

  // `unix_ms` is the wall clock. "2026-01-31 12:00:00.123" in local time, or "2026-01-31T12:00:00.123Z".
  std::string_view at(int64_t unix_ms) noexcept;

 private:
  static constexpr size_t seconds_size = 19;

  bool utc_;
  int64_t second_ = -1;
  std::array<char, 40> text_{};
};

// Now, for log_clock.
int64_t wall_ms() noexcept;

}  // namespace fasterapi::server
