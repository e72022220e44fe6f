#include <string_view>

#include "schema/checker.h"
#include "schema/number_text.h"
#include "schema/temporal.h"

namespace fasterapi::schema {

namespace {

constexpr complaint date_type{"date_type", "Input should be a valid date"};
constexpr complaint date_inexact{"date_from_datetime_inexact",
                                 "Datetimes provided to dates should have zero time - e.g. be exact dates"};
constexpr complaint time_type{"time_type", "Input should be a valid time"};
constexpr complaint datetime_type{"datetime_type", "Input should be a valid datetime"};
constexpr complaint timedelta_type{"time_delta_type", "Input should be a valid timedelta"};

constexpr complaint date_parsing{"date_parsing", "Input should be a valid date in the format YYYY-MM-DD, "};
constexpr complaint date_from_datetime{"date_from_datetime_parsing", "Input should be a valid date or datetime, "};
constexpr complaint time_parsing{"time_parsing", "Input should be in a valid time format, "};
constexpr complaint datetime_parsing{"datetime_parsing", "Input should be a valid datetime, "};
constexpr complaint datetime_from_date{"datetime_from_date_parsing", "Input should be a valid datetime or date, "};
constexpr complaint timedelta_parsing{"time_delta_parsing", "Input should be a valid timedelta, "};

constexpr std::string_view year_zero = "year 0 is out of range";

bool is_number(const json::value& input) noexcept {
  return input.kind == json::kind::integer || input.kind == json::kind::real || input.kind == json::kind::big_integer;
}

// A big integer or a real as a double.
double real_of(const json::value& input) noexcept {
  double real = input.real;
  if (input.kind == json::kind::big_integer && !real_from_digits(input.view(), real)) {
    real = input.text[0] == '-' ? -1e308 : 1e308;
  }
  return real;
}

// Reads a datetime from text or a number; the caller has made sure that it is one of them.
problem datetime_of(const json::value& input, moment& to) noexcept {
  if (input.is_text()) return read_datetime(input.view(), to);
  if (input.kind == json::kind::integer) return datetime_from(input.integer, to);
  return datetime_from(real_of(input), to);
}

bool holds(bound::relation relation, int order) noexcept {
  switch (relation) {
    case bound::relation::le:
      return order <= 0;
    case bound::relation::lt:
      return order < 0;
    case bound::relation::ge:
      return order >= 0;
    case bound::relation::gt:
      return order > 0;
    case bound::relation::multiple_of:
      break;
  }
  return false;
}

moment moment_of(const value& from) noexcept { return {from.calendar, from.offset_s}; }

void keep_moment(const moment& from, value_kind kind, value& out) noexcept {
  out.kind = kind;
  out.offset_s = from.offset_s;
  out.calendar = from.at;
}

}  // namespace

bool checker::check_moment_bounds(const type& expected, const json::value& input, const location& where,
                                  const value& checked) noexcept {
  for (const bound& limit : expected.bounds) {
    if (!holds(limit.holds, compare(moment_of(checked), moment_of(limit.moment)))) {
      return fail_bound(where, limit, input);
    }
  }
  return true;
}

bool checker::check_date(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  lower(exactness::lax);
  if (expected.strict || !(input.is_text() || is_number(input))) return fail(where, date_type, input);
  moment read;
  if (!input.is_text() || !read_date(input.view(), read).empty()) {
    read = moment();
    if (const problem wrong = datetime_of(input, read); !wrong.empty()) {
      return fail_with_error(where, date_from_datetime, wrong, input);
    }
    if (!is_midnight(read)) return fail(where, date_inexact, input);
  }
  read.offset_s = value::no_offset;
  keep_moment(read, value_kind::date, out);
  if (!check_moment_bounds(expected, input, where, out)) return false;
  return out.calendar.year != 0 || fail_with_error(where, date_parsing, year_zero, input);
}

bool checker::check_datetime(const type& expected, const json::value& input, const location& where,
                             value& out) noexcept {
  lower(exactness::lax);
  if (expected.strict || !(input.is_text() || is_number(input))) return fail(where, datetime_type, input);
  moment read;
  if (const problem wrong = datetime_of(input, read); !wrong.empty()) {
    if (!input.is_text()) return fail_with_error(where, datetime_parsing, wrong, input);
    read = moment();
    if (const problem no_date = read_date(input.view(), read); !no_date.empty()) {
      return fail_with_error(where, datetime_from_date, no_date, input);
    }
    read.offset_s = value::no_offset;
  }
  keep_moment(read, value_kind::datetime, out);
  if (!check_moment_bounds(expected, input, where, out)) return false;
  return out.calendar.year != 0 || fail_with_error(where, datetime_parsing, year_zero, input);
}

bool checker::check_time(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  lower(exactness::lax);
  if (expected.strict || !(input.is_text() || is_number(input))) return fail(where, time_type, input);
  moment read;
  const problem wrong = input.is_text()                     ? read_time(input.view(), read)
                        : input.kind == json::kind::integer ? time_from(input.integer, read)
                                                            : time_from(real_of(input), read);
  if (!wrong.empty()) return fail_with_error(where, time_parsing, wrong, input);
  keep_moment(read, value_kind::time, out);
  return check_moment_bounds(expected, input, where, out);
}

bool checker::check_timedelta(const type& expected, const json::value& input, const location& where,
                              value& out) noexcept {
  lower(exactness::lax);
  const bool is_boolean = input.kind == json::kind::boolean;
  if (expected.strict || !(input.is_text() || is_number(input) || is_boolean)) {
    return fail(where, timedelta_type, input);
  }
  span read;
  problem wrong;
  if (input.is_text()) {
    wrong = read_span(input.view(), read);
  } else if (input.kind == json::kind::integer || is_boolean) {
    wrong = span_from(is_boolean ? int64_t{input.boolean} : input.integer, read);
  } else {
    wrong = span_from(real_of(input), read);
  }
  if (!wrong.empty()) return fail_with_error(where, timedelta_parsing, wrong, input);
  out.kind = value_kind::timedelta;
  out.days = read.days;
  out.microseconds = read.microseconds;
  for (const bound& limit : expected.bounds) {
    if (!holds(limit.holds, compare(read, {limit.moment.days, limit.moment.microseconds}))) {
      return fail_bound(where, limit, json::value::of_real(total_seconds(read)));
    }
  }
  return true;
}

}  // namespace fasterapi::schema
