#pragma once

#include <string_view>

#include "core/arena.h"
#include "http/url.h"

namespace fasterapi::http {

// The pairs of one Cookie field's value, in order, as Starlette's cookie_parser gives them: ';' separates, a piece
// without '=' is a value without a name, a value between double quotes is unquoted as Python's http.cookies does
// (\" and \ooo). Bytes above 0x7f are Latin-1, and UTF-8 in the result. Where a name comes twice, the last one counts.
class cookie_reader {
 public:
  // The result views `value` where nothing had to change, and otherwise `memory`.
  cookie_reader(std::string_view value, core::arena& memory) noexcept : rest_(value), memory_(&memory) {}

  // The next pair; false after the last one.
  bool next(name_value& to) noexcept;

 private:
  std::string_view rest_;
  core::arena* memory_;
};

}  // namespace fasterapi::http
