#include <cmath>
#include <string_view>

#include "schema/checker.h"
#include "schema/number_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint bool_type{"bool_type", "Input should be a valid boolean"};
constexpr complaint bool_parsing{"bool_parsing", "Input should be a valid boolean, unable to interpret input"};
constexpr complaint int_type{"int_type", "Input should be a valid integer"};
constexpr complaint int_parsing{"int_parsing", "Input should be a valid integer, unable to parse string as an integer"};
constexpr complaint int_parsing_size{"int_parsing_size",
                                     "Unable to parse input string as an integer, exceeded maximum size"};
constexpr complaint int_from_float{"int_from_float",
                                   "Input should be a valid integer, got a number with a fractional part"};
constexpr complaint float_type{"float_type", "Input should be a valid number"};
constexpr complaint float_parsing{"float_parsing",
                                  "Input should be a valid number, unable to parse string as a number"};
constexpr complaint finite_number{"finite_number", "Input should be a finite number"};

constexpr double int64_limit = 9223372036854775808.0;

bool is_word(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// 0, 1, or -1 for a text that is neither.
int truth_of(std::string_view text) noexcept {
  constexpr std::string_view falses[] = {"0", "f", "n", "no", "off", "false"};
  constexpr std::string_view trues[] = {"1", "t", "y", "on", "yes", "true"};
  for (const std::string_view word : falses) {
    if (is_word(text, word)) return 0;
  }
  for (const std::string_view word : trues) {
    if (is_word(text, word)) return 1;
  }
  return -1;
}

// The remainder of |digits| by |divisor|.
uint64_t remainder_of(std::string_view digits, int64_t divisor) noexcept {
  const uint64_t by = divisor < 0 ? 0 - static_cast<uint64_t>(divisor) : static_cast<uint64_t>(divisor);
  unsigned __int128 rest = 0;
  for (const char digit : digits) {
    if (digit != '-') rest = (rest * 10 + static_cast<unsigned>(digit - '0')) % by;
  }
  return static_cast<uint64_t>(rest);
}

bool integer_holds(const bound& limit, const value& checked) noexcept {
  using relation = bound::relation;
  if (checked.kind == value_kind::big_integer) {
    const bool negative = checked.text[0] == '-';
    switch (limit.holds) {
      case relation::multiple_of:
        return remainder_of(checked.view(), limit.integer) == 0;
      case relation::le:
      case relation::lt:
        return negative;
      case relation::ge:
      case relation::gt:
        return !negative;
    }
  }
  switch (limit.holds) {
    case relation::multiple_of:
      return limit.integer == -1 || checked.integer % limit.integer == 0;
    case relation::le:
      return checked.integer <= limit.integer;
    case relation::lt:
      return checked.integer < limit.integer;
    case relation::ge:
      return checked.integer >= limit.integer;
    case relation::gt:
      return checked.integer > limit.integer;
  }
  return false;
}

bool real_holds(const bound& limit, double checked) noexcept {
  using relation = bound::relation;
  switch (limit.holds) {
    case relation::multiple_of: {
      const double nearest = std::round(checked / limit.real) * limit.real;
      return !(std::abs(checked - nearest) > 1e-9);
    }
    case relation::le:
      return checked <= limit.real;
    case relation::lt:
      return checked < limit.real;
    case relation::ge:
      return checked >= limit.real;
    case relation::gt:
      return checked > limit.real;
  }
  return false;
}

}  // namespace

bool checker::check_boolean(const type& expected, const json::value& input, const location& where,
                            value& out) noexcept {
  out.kind = value_kind::boolean;
  if (input.kind == json::kind::boolean) {
    out.boolean = input.boolean;
    return true;
  }
  if (expected.strict) return fail(where, bool_type, input);
  lower(exactness::lax);
  int truth = -1;
  switch (input.kind) {
    case json::kind::string:
    case json::kind::bytes:
      truth = truth_of(input.view());
      break;
    case json::kind::integer:
      truth = input.integer == 0 ? 0 : input.integer == 1 ? 1 : -1;
      break;
    case json::kind::real:
      if (!(std::abs(input.real) < int64_limit) || std::trunc(input.real) != input.real) {
        return fail(where, bool_type, input);
      }
      truth = input.real == 0 ? 0 : input.real == 1 ? 1 : -1;
      break;
    default:
      return fail(where, bool_type, input);
  }
  if (truth < 0) return fail(where, bool_parsing, input);
  out.boolean = truth == 1;
  return true;
}

bool checker::integer_from_text(const json::value& input, std::string_view text, const location& where,
                                value& out) noexcept {
  std::string_view digits;
  switch (read_integer(text, arena_, out.integer, digits)) {
    case number_outcome::small:
      return true;
    case number_outcome::big:
      out.kind = value_kind::big_integer;
      out.size = static_cast<uint32_t>(digits.size());
      out.text = digits.data();
      return true;
    case number_outcome::too_long:
      return fail(where, int_parsing_size, input);
    case number_outcome::malformed:
      break;
  }
  return fail(where, int_parsing, input);
}

bool checker::integer_from_real(const json::value& input, const location& where, value& out) noexcept {
  if (!std::isfinite(input.real)) return fail(where, finite_number, input);
  if (std::trunc(input.real) != input.real) return fail(where, int_from_float, input);
  if (!(std::abs(input.real) < int64_limit)) return fail(where, int_parsing_size, input);
  out.integer = static_cast<int64_t>(input.real);
  return true;
}

bool checker::check_integer(const type& expected, const json::value& input, const location& where,
                            value& out) noexcept {
  out.kind = value_kind::integer;
  if (input.kind == json::kind::integer) {
    out.integer = input.integer;
  } else if (input.kind == json::kind::big_integer) {
    out.kind = value_kind::big_integer;
    out.size = input.size;
    out.text = input.text;
  } else if (expected.strict) {
    return fail(where, int_type, input);
  } else {
    lower(exactness::lax);
    switch (input.kind) {
      case json::kind::boolean:
        out.integer = input.boolean ? 1 : 0;
        break;
      case json::kind::string:
      case json::kind::bytes:
        if (!integer_from_text(input, input.view(), where, out)) return false;
        break;
      case json::kind::real:
        if (!integer_from_real(input, where, out)) return false;
        break;
      default:
        return fail(where, int_type, input);
    }
  }
  for (const bound& limit : expected.bounds) {
    if (!integer_holds(limit, out)) return fail_bound(where, limit, input);
  }
  return true;
}

bool checker::check_real(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  out.kind = value_kind::real;
  switch (input.kind) {
    case json::kind::real:
      out.real = input.real;
      break;
    case json::kind::integer:
      lower(exactness::strict);
      out.real = static_cast<double>(input.integer);
      break;
    case json::kind::big_integer:
      lower(exactness::strict);
      if (!real_from_digits(input.view(), out.real)) return fail(where, float_type, input);
      break;
    case json::kind::boolean:
      if (expected.strict) return fail(where, float_type, input);
      lower(exactness::lax);
      out.real = input.boolean ? 1 : 0;
      break;
    case json::kind::string:
    case json::kind::bytes:
      if (expected.strict) return fail(where, float_type, input);
      lower(exactness::lax);
      if (!read_real(input.view(), arena_, out.real)) return fail(where, float_parsing, input);
      break;
    default:
      return fail(where, float_type, input);
  }
  if (!expected.allow_inf_nan && !std::isfinite(out.real)) return fail(where, finite_number, input);
  for (const bound& limit : expected.bounds) {
    if (!real_holds(limit, out.real)) return fail_bound(where, limit, input);
  }
  return true;
}

}  // namespace fasterapi::schema
