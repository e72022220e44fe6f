#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "schema/pattern.h"
#include "schema/value.h"

namespace fasterapi::schema {

enum class type_kind : uint8_t {
  any,
  none,
  boolean,
  integer,
  real,
  string,
  bytes,
  decimal,
  uuid,
  date,
  time,
  datetime,
  timedelta,
  enumeration,
  literal,
  nullable,  // `item` or None
  union_,    // one of `members`
  list,
  set,
  frozenset,
  tuple,           // exactly `members`
  variadic_tuple,  // any number of `item`
  dict,            // `key` to `item`
  dataclass,
  typed_dict,
  foreign,  // checked by Python code of its own; taken as it is here
};

inline constexpr size_t type_kind_count = static_cast<size_t>(type_kind::foreign) + 1;

// A limit on an ordered value. `text` and `json` are how it reads in a message and in "ctx".
struct bound {
  enum class relation : uint8_t { multiple_of, le, lt, ge, gt };
  relation holds = relation::ge;
  int64_t integer = 0;  // for integers
  double real = 0;      // for reals
  value moment;         // for date, time, datetime, timedelta
  std::string digits;   // for decimals: what Python's Decimal prints
  std::string text;
  std::string json;
};

struct type;

// A field of a dataclass or TypedDict.
struct field {
  static constexpr uint32_t no_default = std::numeric_limits<uint32_t>::max();
  std::string name;  // the attribute or key of the Python object
  std::string key;   // the key in the JSON object
  const schema::type* type = nullptr;
  bool required = true;  // without it, a missing key leaves the field absent
  bool has_unhashable_default = false;
};

// A value that an enum or a literal accepts, and the Python object that stands for it.
struct choice {
  json::value input;    // compared with the request's value
  std::string text;     // owns what `input` views
  uint32_t object = 0;  // index in the plan's table of Python objects
};

// A node of the tree compiled from an annotation. Constant after construction; any thread may read it.
struct type {
  static constexpr uint64_t unlimited = std::numeric_limits<uint64_t>::max();

  type_kind kind = type_kind::any;
  uint16_t id = 0;  // its index in the plan
  bool strict = false;
  bool allow_inf_nan = true;   // real, decimal
  bool is_unhashable = false;  // dataclass, typed_dict: Python cannot hash the objects, whatever they hold
  json::kind mixed =
      json::kind::null;  // enumeration: string, integer or real for one whose members are str, int, float

  uint64_t min_length = 0;  // characters, bytes or items
  uint64_t max_length = unlimited;
  uint64_t max_digits = unlimited;      // decimal
  uint64_t decimal_places = unlimited;  // decimal
  std::vector<bound> bounds;            // in the order of checking: multiple_of, le, lt, ge, gt
  std::unique_ptr<schema::pattern> pattern;
  bound pattern_words;  // its message and "ctx"

  const type* item = nullptr;
  const type* key = nullptr;
  std::vector<const type*> members;
  std::vector<std::string> labels;  // union: how errors name each member
  std::vector<field> fields;
  std::vector<choice> choices;
  std::string expected;    // enumeration, literal: the accepted values as messages list them
  std::string class_name;  // dataclass
};

}  // namespace fasterapi::schema
