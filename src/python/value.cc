#include "fasterapi/python/value.h"

#include <charconv>
#include <system_error>

namespace fasterapi::python {

value value::big_integer(std::string digits) {
  int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  if (read.ec == std::errc{} && read.ptr == end) return number;
  return {kind::big_integer, std::move(digits)};
}

const value* value::find(std::string_view key) const noexcept {
  for (const entry& each : entries()) {
    if (each.key.kind_ == kind::string && each.key.text() == key) return &each.item;
  }
  return nullptr;
}

bool value::operator==(const value& other) const noexcept { return kind_ == other.kind_ && held_ == other.held_; }

}  // namespace fasterapi::python
