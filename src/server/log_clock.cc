#include "server/log_clock.h"

#include <cstdio>
#include <ctime>

namespace fasterapi::server {

std::string_view log_clock::at(int64_t unix_ms) noexcept {
  const int64_t second = unix_ms / 1000;
  if (second != second_) {
    second_ = second;
    const time_t moment = second;
    tm parts{};
    if (utc_) {
      gmtime_r(&moment, &parts);
    } else {
      localtime_r(&moment, &parts);
    }
    std::strftime(text_.data(), text_.size(), utc_ ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
  }
  const int size = std::snprintf(text_.data() + seconds_size, text_.size() - seconds_size, utc_ ? ".%03dZ" : ".%03d",
                                 static_cast<int>(unix_ms % 1000));
  return {text_.data(), seconds_size + static_cast<size_t>(size)};
}

int64_t wall_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace fasterapi::server
