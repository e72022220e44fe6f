#include <algorithm>
#include <string_view>

#include "core/byte_buffer.h"
#include "json/writer.h"
#include "schema/checker.h"
#include "schema/decimal_text.h"
#include "schema/message_text.h"
#include "schema/uuid_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint decimal_type{"decimal_type", "Decimal input should be an integer, float, string or Decimal object"};
constexpr complaint decimal_parsing{"decimal_parsing", "Input should be a valid decimal"};
constexpr complaint finite_number{"finite_number", "Input should be a finite number"};
constexpr complaint uuid_type{"uuid_type", "UUID input should be a string, bytes or UUID object"};

// Digits in all, and those behind the point, as pydantic counts them.
struct digit_counts {
  uint64_t total;
  uint64_t places;
  uint64_t whole() const noexcept { return total - std::min(total, places); }
};

digit_counts count_digits(const decimal& of) noexcept {
  const uint64_t digits = of.digits.size();
  if (of.exponent >= 0) return {digits + static_cast<uint64_t>(of.exponent), 0};
  const auto places = static_cast<uint64_t>(-of.exponent);
  return {std::max(digits, places), places};
}

// The text that Python's str() makes of a number; empty when there was no memory.
std::string_view text_of(const json::value& number, core::arena& arena) noexcept {
  core::byte_buffer text;
  if (number.kind == json::kind::integer) {
    json::write_int(text, number.integer);
  } else if (!json::write_double(text, number.real)) {
    return "nan";
  }
  return arena.copy(text.view());
}

bool fail_digits(checker& by, const location& where, const json::value& input, std::string_view type,
                 std::string_view name, uint64_t limit, std::string_view unit, std::string_view place) noexcept {
  message_text message(by.arena());
  message.add("Decimal input should have no more than ").add(limit).add(" ").add(unit).add(limit == 1 ? "" : "s");
  message.add(place);
  message_text context(by.arena());
  context.add("{\"").add(name).add("\":").add(limit).add("}");
  return by.fail(where, type, message.view(), input, context.view());
}

bool check_digits(checker& by, const type& expected, const decimal& checked, const json::value& input,
                  const location& where) noexcept {
  const digit_counts given = count_digits(checked);
  const digit_counts least = count_digits(normalized(checked));
  if (std::min(given.total, least.total) > expected.max_digits) {
    return fail_digits(by, where, input, "decimal_max_digits", "max_digits", expected.max_digits, "digit", " in total");
  }
  if (expected.decimal_places == type::unlimited) return true;
  if (std::min(given.places, least.places) > expected.decimal_places) {
    return fail_digits(by, where, input, "decimal_max_places", "decimal_places", expected.decimal_places,
                       "decimal place", "");
  }
  if (expected.max_digits == type::unlimited) return true;
  const uint64_t whole_max = expected.max_digits - std::min(expected.max_digits, expected.decimal_places);
  if (std::min(given.whole(), least.whole()) <= whole_max) return true;
  return fail_digits(by, where, input, "decimal_whole_digits", "whole_digits", whole_max, "digit",
                     " before the decimal point");
}

bool holds(const bound& limit, const decimal& checked, core::arena& arena) noexcept {
  decimal than;
  if (!read_decimal(limit.digits, arena, than)) return false;
  switch (limit.holds) {
    case bound::relation::multiple_of:
      return is_multiple(checked, than);
    case bound::relation::le:
      return compare(checked, than) <= 0;
    case bound::relation::lt:
      return compare(checked, than) < 0;
    case bound::relation::ge:
      return compare(checked, than) >= 0;
    case bound::relation::gt:
      return compare(checked, than) > 0;
  }
  return false;
}

}  // namespace

bool checker::check_decimal(const type& expected, const json::value& input, const location& where,
                            value& out) noexcept {
  lower(exactness::lax);
  if (expected.strict) return fail_instance(where, "Decimal", input);
  std::string_view text =
      input.kind == json::kind::string || input.kind == json::kind::big_integer ? input.view() : std::string_view();
  if (input.kind == json::kind::integer || input.kind == json::kind::real) {
    text = text_of(input, arena_);
  } else if (text.data() == nullptr) {
    return fail(where, decimal_type, input);
  }
  decimal read;
  if (!read_decimal(text, arena_, read)) return fail(where, decimal_parsing, input);
  out.kind = value_kind::decimal;
  out.size = static_cast<uint32_t>(text.size());
  out.text = text.data();
  const bool counts_digits = expected.max_digits != type::unlimited || expected.decimal_places != type::unlimited;
  if (!read.is_finite) return (expected.allow_inf_nan && !counts_digits) || fail(where, finite_number, input);
  if (counts_digits && !check_digits(*this, expected, read, input, where)) return false;
  for (const bound& limit : expected.bounds) {
    if (!holds(limit, read, arena_)) return fail_bound(where, limit, input);
  }
  return true;
}

bool checker::check_uuid(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  lower(exactness::lax);
  if (expected.strict) return fail_instance(where, "UUID", input);
  if (!input.is_text()) return fail(where, uuid_type, input);
  auto* bytes = arena_.make_array<uint8_t>(16);
  if (bytes == nullptr) return fail(where, uuid_type, input);
  out.kind = value_kind::uuid;
  out.size = 16;
  out.text = reinterpret_cast<const char*>(bytes);
  std::string_view wrong = read_uuid(input.view(), arena_, bytes);
  if (wrong.empty()) return true;
  if (input.kind == json::kind::bytes) {
    if (input.size == 16) {
      out.text = input.text;
      return true;
    }
    wrong = message_text(arena_).add("invalid length: expected 16 bytes, found ").add(uint64_t{input.size}).view();
  }
  return fail_with_error(where, {"uuid_parsing", "Input should be a valid UUID, "}, wrong, input);
}

}  // namespace fasterapi::schema
