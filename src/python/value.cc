#include "fasterapi/python/value.h"

#include <charconv>
#include <system_error>

namespace fasterapi::python {

value::value() noexcept = default;
value::value(const value& other) = default;
value::value(value&& other) noexcept = default;
value& value::operator=(const value& other) = default;
value& value::operator=(value&& other) noexcept = default;
value::~value() = default;

value::value(bool truth, kind type) noexcept : kind_(type), held_(truth) {}
value::value(int64_t number, kind type) noexcept : kind_(type), held_(number) {}
value::value(std::string text, kind type) noexcept : kind_(type), held_(std::move(text)) {}
value::value(std::vector<value> items, kind type) noexcept : kind_(type), held_(std::move(items)) {}
value::value(double number) noexcept : kind_(kind::real), held_(number) {}
value::value(std::string text) noexcept : value(std::move(text), kind::string) {}

value value::bytes(std::string data) { return {std::move(data), kind::bytes}; }
value value::list(std::vector<value> items) { return {std::move(items), kind::list}; }
value value::tuple(std::vector<value> items) { return {std::move(items), kind::tuple}; }

value value::dict(std::vector<entry> entries) {
  value made;
  made.kind_ = kind::dict;
  made.held_ = std::move(entries);
  return made;
}

value value::big_integer(std::string digits) {
  int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  if (read.ec == std::errc{} && read.ptr == end) return number;
  return {std::move(digits), kind::big_integer};
}

const value* value::find(std::string_view key) const noexcept {
  for (const entry& each : entries()) {
    if (each.key.kind_ == kind::string && each.key.text() == key) return &each.item;
  }
  return nullptr;
}

bool value::operator==(const value& other) const noexcept { return kind_ == other.kind_ && held_ == other.held_; }

}  // namespace fasterapi::python
