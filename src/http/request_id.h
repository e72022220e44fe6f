#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace fasterapi::http {

// The name by which logs and other services know a request: the X-Request-ID that came with it, or one made here. A
// value: it refers to nothing.
class request_id {
 public:
  // The longest one that is taken from a client.
  static constexpr size_t max_bytes = 128;

  // Whether one that came from elsewhere may stand in logs and answers as it is: 1 to max_bytes letters, digits, and
  // - _ . : / + = @
  static bool is_valid(std::string_view text) noexcept;

  // 16 hexadecimal digits.
  static request_id of(uint64_t number) noexcept;
  // The one of the head, if that has a valid one, and no two of them; otherwise that of the number.
  static request_id of(const request_head& head, uint64_t number) noexcept;

  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, max_bytes> text_;
  size_t size_ = 0;
};

}  // namespace fasterapi::http
