#pragma once

#include <cstdint>
#include <string_view>

#include "json/value.h"

namespace fasterapi::schema {

enum class value_kind : uint8_t {
  absent,  // nothing was sent: the default stands
  none,
  boolean,
  integer,
  big_integer,  // decimal digits with an optional '-'
  real,
  string,
  bytes,
  decimal,  // text that Python's Decimal accepts
  uuid,     // 16 bytes, big-endian
  date,
  time,
  datetime,
  timedelta,
  object,  // an object of the plan's table: an enum member or a literal
  list,
  set,
  frozenset,
  tuple,
  dict,    // `pairs`: key, value, key, value…
  record,  // a dataclass or TypedDict: `type_id` names it, one value per field of the type
  json,    // a JSON value as it was read (Any)
  foreign  // a JSON value that `type_id`'s own Python validator is to check
};

// Wall-clock fields without an interpretation; the offset is kept apart.
struct calendar_time {
  uint64_t year : 14;
  uint64_t month : 4;
  uint64_t day : 5;
  uint64_t hour : 5;
  uint64_t minute : 6;
  uint64_t second : 6;
  uint64_t microsecond : 20;
};

class error_list;

// What a type's own Python validator is to check, and what is wrong with the rest of the request already: the errors of
// both are answered together.
struct foreign_input {
  json::value input;
  const error_list* refused = nullptr;
};

// One checked value, ready to become a Python object. A view, valid as long as the arena and the request are.
struct value {
  static constexpr int32_t no_offset = INT32_MIN;

  value_kind kind = value_kind::absent;
  bool has_surrogate : 1 = false;  // string
  bool is_unhashable : 1 = false;  // record: Python cannot hash it
  uint16_t type_id = 0;            // record, foreign: the type's index in its plan
  union {
    uint32_t size = 0;      // bytes of the text, items, members
    int32_t offset_s;       // time, datetime: seconds east of UTC, or no_offset
    int32_t days;           // timedelta
    uint32_t object_index;  // object
  };
  union {
    int64_t integer = 0;
    bool boolean;
    double real;
    const char* text;
    calendar_time calendar;
    int64_t microseconds;       // timedelta: within its day, 0 ≤ microseconds < 86'400'000'000
    value* items;               // list, set, frozenset, tuple, record; 2 × size of them for dict
    const json::value* source;  // json
    foreign_input* pending;     // foreign
  };

  std::string_view view() const noexcept { return {text, size}; }
};

static_assert(sizeof(value) == 16);

}  // namespace fasterapi::schema
