#pragma once

#include <cstdint>
#include <string_view>

namespace fasterapi::json {

enum class kind : uint8_t {
  null,
  boolean,
  integer,      // fits an int64
  big_integer,  // any other integer: its text, without leading zeros
  real,         // NaN and the infinities included: Python's reader accepts them
  string,       // UTF-8; see value::has_surrogate
  array,
  object,
  bytes,  // never made by the reader: a body that is not JSON, handed to the checks as it is
};

struct member;

// One parsed JSON value. A view: strings and children live where the reader put them (its own buffers or the arena),
// and are valid until the next read or the arena's reset.
struct value {
  json::kind kind = json::kind::null;
  bool has_surrogate = false;  // a string with a lone surrogate, kept as its three-byte form
  uint32_t size = 0;           // bytes of the text, items of the array, members of the object
  union {
    int64_t integer = 0;
    bool boolean;
    double real;
    const char* text;
    const value* items;
    const member* members;
  };

  std::string_view view() const noexcept { return {text, size}; }
  bool is_text() const noexcept { return kind == json::kind::string || kind == json::kind::bytes; }

  static value of_null() noexcept { return {}; }
  static value of_boolean(bool from) noexcept {
    value made;
    made.kind = json::kind::boolean;
    made.boolean = from;
    return made;
  }
  static value of_integer(int64_t from) noexcept {
    value made;
    made.kind = json::kind::integer;
    made.integer = from;
    return made;
  }
  static value of_real(double from) noexcept {
    value made;
    made.kind = json::kind::real;
    made.real = from;
    return made;
  }
  static value of_text(std::string_view from, json::kind kind = json::kind::string) noexcept {
    value made;
    made.kind = kind;
    made.size = static_cast<uint32_t>(from.size());
    made.text = from.data();
    return made;
  }
  static value of_items(const value* items, uint32_t count) noexcept {
    value made;
    made.kind = json::kind::array;
    made.size = count;
    made.items = items;
    return made;
  }
  static value of_members(const member* members, uint32_t count) noexcept {
    value made;
    made.kind = json::kind::object;
    made.size = count;
    made.members = members;
    return made;
  }
};

// Keys of one object are unique: the reader keeps the first place and the last value, as Python's dict does.
struct member {
  value key;  // a string
  value item;
};

static_assert(sizeof(value) == 16);

}  // namespace fasterapi::json
