#pragma once

#include <cstdint>
#include <string_view>

namespace fasterapi::http::h1 {

enum class parse_status : uint8_t { need_more, complete, error };

// What to answer to a message that cannot be accepted.
struct parse_error {
  uint16_t status = 0;      // the response's status code
  std::string_view reason;  // a literal: what was wrong, and what would be right
};

}  // namespace fasterapi::http::h1
