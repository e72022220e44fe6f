#include "schema/distinct.h"

#include <algorithm>

#include "schema/decimal_text.h"
#include "schema/temporal.h"

namespace fasterapi::schema {

namespace {

template <typename T>
int three_way(const T& left, const T& right) noexcept {
  return left < right ? -1 : right < left ? 1 : 0;
}

// Values that compare equal in Python have the same family.
enum class family : uint8_t {
  none,
  number,
  big_number,
  text,
  bytes,
  decimal,
  uuid,
  moment,
  span,
  object,
  tuple,
  frozenset,
  other
};

family family_of(const value& of) noexcept {
  switch (of.kind) {
    case value_kind::none:
      return family::none;
    case value_kind::boolean:
    case value_kind::integer:
    case value_kind::real:
      return family::number;
    case value_kind::big_integer:
      return family::big_number;
    case value_kind::string:
      return family::text;
    case value_kind::bytes:
      return family::bytes;
    case value_kind::decimal:
      return family::decimal;
    case value_kind::uuid:
      return family::uuid;
    case value_kind::date:
    case value_kind::time:
    case value_kind::datetime:
      return family::moment;
    case value_kind::timedelta:
      return family::span;
    case value_kind::object:
      return family::object;
    case value_kind::tuple:
    case value_kind::record:
      return family::tuple;
    case value_kind::frozenset:
      return family::frozenset;
    default:
      return family::other;
  }
}

// An Any's scalar as a value of its own.
value unwrapped(const value& of) noexcept {
  if (of.kind != value_kind::json) return of;
  const json::value& from = *of.source;
  value made;
  switch (from.kind) {
    case json::kind::null:
      made.kind = value_kind::none;
      break;
    case json::kind::boolean:
      made.kind = value_kind::boolean;
      made.boolean = from.boolean;
      break;
    case json::kind::integer:
      made.kind = value_kind::integer;
      made.integer = from.integer;
      break;
    case json::kind::real:
      made.kind = value_kind::real;
      made.real = from.real;
      break;
    default:
      made.kind = from.kind == json::kind::big_integer ? value_kind::big_integer
                  : from.kind == json::kind::string    ? value_kind::string
                                                       : value_kind::bytes;
      made.size = from.size;
      made.text = from.text;
  }
  return made;
}

long double number_of(const value& of) noexcept {
  if (of.kind == value_kind::real) return of.real;
  return of.kind == value_kind::boolean ? static_cast<long double>(of.boolean) : static_cast<long double>(of.integer);
}

int order(const value& wrapped_left, const value& wrapped_right, core::arena& arena) noexcept {
  const value left = unwrapped(wrapped_left);
  const value right = unwrapped(wrapped_right);
  const family kind = family_of(left);
  if (kind != family_of(right)) return three_way(kind, family_of(right));
  switch (kind) {
    case family::number:
      return three_way(number_of(left), number_of(right));
    case family::decimal: {
      decimal a, b;
      if (!read_decimal(left.view(), arena, a) || !read_decimal(right.view(), arena, b)) return 0;
      if (!a.is_finite || !b.is_finite) return three_way(left.view(), right.view());
      return compare(a, b);
    }
    case family::moment:
      if (left.kind != right.kind) return three_way(left.kind, right.kind);
      if (left.kind != value_kind::date) {
        const bool left_naive = left.offset_s == value::no_offset;
        const bool right_naive = right.offset_s == value::no_offset;
        if (left_naive != right_naive) return three_way(left_naive, right_naive);
      }
      return compare(moment{left.calendar, left.offset_s}, moment{right.calendar, right.offset_s});
    case family::span:
      return compare(span{left.days, left.microseconds}, span{right.days, right.microseconds});
    case family::object:
      return three_way(left.object_index, right.object_index);
    case family::tuple:
    case family::frozenset:
      if (left.size != right.size) return three_way(left.size, right.size);
      for (uint32_t i = 0; i < left.size; ++i) {
        if (const int difference = order(left.items[i], right.items[i], arena); difference != 0) return difference;
      }
      return 0;
    case family::none:
    case family::other:
      return 0;
    default:
      return three_way(left.view(), right.view());
  }
}

}  // namespace

uint32_t count_distinct(const value* values, uint32_t count, uint32_t stride, core::arena& arena) noexcept {
  if (count < 2) return count;
  auto* places = arena.make_array<const value*>(count);
  if (places == nullptr) return count;
  for (uint32_t i = 0; i < count; ++i) places[i] = values + size_t{i} * stride;
  std::sort(places, places + count,
            [&arena](const value* left, const value* right) { return order(*left, *right, arena) < 0; });
  uint32_t distinct = 1;
  for (uint32_t i = 1; i < count; ++i) distinct += order(*places[i - 1], *places[i], arena) != 0;
  return distinct;
}

uint32_t sort_distinct(value* values, uint32_t count, core::arena& arena) noexcept {
  const auto before = [&arena](const value& left, const value& right) { return order(left, right, arena) < 0; };
  const auto equal = [&arena](const value& left, const value& right) { return order(left, right, arena) == 0; };
  std::sort(values, values + count, before);
  return static_cast<uint32_t>(std::unique(values, values + count, equal) - values);
}

bool is_hashable(const value& of) noexcept {
  switch (of.kind) {
    case value_kind::list:
    case value_kind::set:
    case value_kind::dict:
      return false;
    case value_kind::json:
      return of.source->kind != json::kind::array && of.source->kind != json::kind::object;
    case value_kind::record:
      return !of.is_unhashable;
    case value_kind::tuple:
      return std::all_of(of.items, of.items + of.size, is_hashable);
    default:
      return true;
  }
}

}  // namespace fasterapi::schema
