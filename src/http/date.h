#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fasterapi::http {

// The Date field's value, rendered once per second.
//
// One thread. A view from at() holds until the next call with another second.
class date_cache {
 public:
  static constexpr size_t size = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 §5.6.7)

  // `unix_second` lies between the years 1970 and 9999.
  std::string_view at(int64_t unix_second) noexcept {
    if (unix_second != second_) [[unlikely]]
      render(unix_second);
    return {text_.data(), text_.size()};
  }

 private:
  void render(int64_t unix_second) noexcept;

  int64_t second_ = -1;
  std::array<char, size> text_{};
};

}  // namespace fasterapi::http
