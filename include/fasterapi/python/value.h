#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fasterapi::python {

// A plain value of Python, held without Python: what goes to a call in an interpreter and what comes back from it.
//
// Copied and compared like any value; no thread or interpreter owns it. Asking for the content of another kind is a bug
// and stops the program.
class value {
 public:
  // Which of Python's types it has; `null` is None, `real` a float.
  enum class kind : uint8_t { null, boolean, integer, big_integer, real, string, bytes, list, tuple, dict };
  struct entry;  // key and item of a dict

  // None.
  value() noexcept;
  value(const value& other);
  value(value&& other) noexcept;
  value& operator=(const value& other);
  value& operator=(value&& other) noexcept;
  ~value();

  // Implicit, so that `{1, "two", 3.0}` are arguments of a call. NOLINTBEGIN(google-explicit-constructor)
  value(std::same_as<bool> auto truth) noexcept : value(truth, kind::boolean) {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) value(Integer number) : value(static_cast<int64_t>(number), kind::integer) {
    if (std::cmp_greater(number, INT64_MAX)) *this = big_integer(std::to_string(number));
  }
  value(double number) noexcept;
  // UTF-8; lone surrogates, which a str may hold, in their three-byte form.
  value(std::string text) noexcept;
  value(std::string_view text) : value(std::string(text)) {}
  value(const char* text) : value(std::string(text)) {}
  // NOLINTEND(google-explicit-constructor)

  // An int of any size in decimal digits, with "-" before a negative one. One that fits becomes an `integer`.
  static value big_integer(std::string digits);
  static value bytes(std::string data);
  static value list(std::vector<value> items);
  static value tuple(std::vector<value> items);
  static value dict(std::vector<entry> entries);

  kind type() const noexcept { return kind_; }
  bool is_null() const noexcept { return kind_ == kind::null; }
  bool boolean() const noexcept { return held<bool>(); }
  int64_t integer() const noexcept { return held<int64_t>(); }
  double real() const noexcept { return held<double>(); }
  // Of a string its UTF-8, of bytes the bytes, of a big integer its digits.
  const std::string& text() const noexcept { return held<std::string>(); }
  // Of a list or a tuple.
  const std::vector<value>& items() const noexcept { return held<std::vector<value>>(); }
  // Of a dict, in its order.
  const std::vector<entry>& entries() const noexcept { return held<std::vector<entry>>(); }
  // The item of a dict under a key; null where there is none.
  const value* find(std::string_view key) const noexcept;

  // Values of different kinds differ: 1, 1.0 and True are three. NaN differs from itself.
  bool operator==(const value& other) const noexcept;

 private:
  value(bool truth, kind type) noexcept;
  value(int64_t number, kind type) noexcept;
  value(std::string text, kind type) noexcept;
  value(std::vector<value> items, kind type) noexcept;

  template <typename Content>
  const Content& held() const noexcept {
    const auto* content = std::get_if<Content>(&held_);
    assert(content != nullptr);
    return *content;
  }

  kind kind_ = kind::null;
  std::variant<std::monostate, bool, int64_t, double, std::string, std::vector<value>, std::vector<entry>> held_;
};

// One key of a dict and what stands under it.
struct value::entry {
  value key;
  value item;
  bool operator==(const entry& other) const noexcept = default;
};

}  // namespace fasterapi::python
