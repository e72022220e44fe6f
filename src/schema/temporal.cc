#include "schema/temporal.h"

#include <cmath>
#include <limits>

#include "json/number.h"

namespace fasterapi::schema {

namespace {

constexpr problem fine;
constexpr problem too_short = "input is too short";
constexpr problem extra_characters = "unexpected extra characters at the end of the input";
constexpr problem bad_minute = "invalid character in minute";
constexpr problem bad_hour = "invalid character in hour";
constexpr problem bad_second = "invalid character in second";
constexpr problem bad_tz_sign = "invalid timezone sign";
constexpr problem bad_tz_hour = "invalid timezone hour";
constexpr problem bad_tz_minute = "invalid timezone minute";
constexpr problem nan_refused = "NaN values not permitted";
constexpr problem time_too_large = "numeric times may not exceed 86,399 seconds";

constexpr int64_t milliseconds_from = 20'000'000'000;  // larger timestamps count milliseconds
constexpr int64_t timestamp_max = 253'402'300'799;     // 9999-12-31T23:59:59
constexpr int64_t timestamp_min = -62'167'219'200;     // 0000-01-01
constexpr int64_t day_s = 86'400;
constexpr int64_t second_us = 1'000'000;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Reads two digits at `at`; -1 when there are none.
int two_digits(std::string_view text, size_t at) noexcept {
  if (at + 1 >= text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

bool is_leap(int year) noexcept { return year % 100 == 0 ? year % 400 == 0 : year % 4 == 0; }

int days_in(int year, int month) noexcept {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Days since 1970-01-01 in the proleptic Gregorian calendar.
int64_t days_from_civil(int64_t year, int64_t month, int64_t day) noexcept {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

void set_date(calendar_time& to, int64_t days) noexcept {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  to.day = static_cast<uint64_t>(day_of_year - (153 * shifted + 2) / 5 + 1) & 0x1F;
  to.month = static_cast<uint64_t>(month) & 0xF;
  to.year = static_cast<uint64_t>(year_of_era + era * 400 + (month <= 2)) & 0x3FFF;
}

void set_time(calendar_time& to, int64_t second_of_day, int64_t microsecond) noexcept {
  to.hour = static_cast<uint64_t>(second_of_day / 3600) & 0x1F;
  to.minute = static_cast<uint64_t>(second_of_day % 3600 / 60) & 0x3F;
  to.second = static_cast<uint64_t>(second_of_day % 60) & 0x3F;
  to.microsecond = static_cast<uint64_t>(microsecond) & 0xFFFFF;
}

problem read_date_part(std::string_view text, calendar_time& to) noexcept {
  if (text.size() < 10) return too_short;
  int year = 0;
  for (size_t at = 0; at < 4; ++at) {
    if (!is_digit(text[at])) return "invalid character in year";
    year = year * 10 + (text[at] - '0');
  }
  if (text[4] != '-') return "invalid date separator, expected `-`";
  const int month = two_digits(text, 5);
  if (month < 0) return "invalid character in month";
  if (text[7] != '-') return "invalid date separator, expected `-`";
  const int day = two_digits(text, 8);
  if (day < 0) return "invalid character in day";
  if (month < 1 || month > 12) return "month value is outside expected range of 1-12";
  if (day < 1 || day > days_in(year, month)) return "day value is outside expected range";
  to.year = static_cast<unsigned>(year) & 0x3FFF;
  to.month = static_cast<unsigned>(month) & 0xF;
  to.day = static_cast<unsigned>(day) & 0x1F;
  return fine;
}

// Reads the digits after the seconds' separator; digits past the sixth are dropped.
problem read_fraction(std::string_view text, size_t& at, calendar_time& to) noexcept {
  const size_t start = at;
  uint32_t microsecond = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (at - start < 6) microsecond = microsecond * 10 + static_cast<uint32_t>(text[at] - '0');
  }
  if (at == start) return "second fraction digits missing after `.`";
  for (size_t digits = at - start; digits < 6; ++digits) microsecond *= 10;
  to.microsecond = microsecond & 0xFFFFF;
  return fine;
}

// Reads HH:MM[:SS[.f]] and moves `at` behind it.
problem read_clock(std::string_view text, size_t& at, calendar_time& to) noexcept {
  if (text.size() < at + 5) return too_short;
  const int hour = two_digits(text, at);
  if (hour < 0) return bad_hour;
  if (text[at + 2] != ':') return "invalid time separator, expected `:`";
  const int minute = two_digits(text, at + 3);
  if (minute < 0) return bad_minute;
  if (hour > 23) return "hour value is outside expected range of 0-23";
  if (minute > 59) return "minute value is outside expected range of 0-59";
  to.hour = static_cast<unsigned>(hour) & 0x1F;
  to.minute = static_cast<unsigned>(minute) & 0x3F;
  at += 5;
  if (at >= text.size() || text[at] != ':') return fine;
  const int second = two_digits(text, at + 1);
  if (second < 0) return bad_second;
  if (second > 59) return "second value is outside expected range of 0-59";
  to.second = static_cast<unsigned>(second) & 0x3F;
  at += 3;
  if (at >= text.size() || (text[at] != '.' && text[at] != ',')) return fine;
  ++at;
  return read_fraction(text, at, to);
}

// Reads an offset, Z or nothing, to the end of the text.
problem read_offset(std::string_view text, size_t at, int32_t& offset_s) noexcept {
  if (at == text.size()) return fine;
  constexpr std::string_view minus = "\xE2\x88\x92";  // U+2212
  int sign = 1;
  if (text[at] == 'Z' || text[at] == 'z') {
    offset_s = 0;
    return at + 1 == text.size() ? fine : extra_characters;
  }
  if (text[at] == '+' || text[at] == '-') {
    sign = text[at] == '-' ? -1 : 1;
    ++at;
  } else if (text.substr(at).starts_with(minus)) {
    sign = -1;
    at += minus.size();
  } else {
    return bad_tz_sign;
  }
  const int hours = two_digits(text, at);
  if (hours < 0) return bad_tz_hour;
  at += 2;
  if (at < text.size() && text[at] == ':') ++at;
  const int minutes = two_digits(text, at);
  if (minutes < 0) return bad_tz_minute;
  if (minutes >= 60) return "timezone minute value is outside expected range of 0-59";
  const int seconds = hours * 3600 + minutes * 60;
  if (seconds >= day_s) return "timezone offset must be less than 24 hours";
  if (at + 2 < text.size()) return extra_characters;
  offset_s = sign * seconds;
  return fine;
}

enum class number_kind : uint8_t { none, integer, real };

// A timestamp in text: an optional sign and digits, or a decimal number with a point.
number_kind read_timestamp(std::string_view text, int64_t& integer, double& real) noexcept {
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (text.size() > 1 && (negative || text[0] == '+')) digits.remove_prefix(1);
  if (digits.empty()) return number_kind::none;
  constexpr auto integer_max = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t read = 0;
  bool is_too_large = false;
  for (const char c : digits) {
    if (c == '.') {
      const bool is_real = json::read_real(digits, real);
      if (negative) real = -real;
      return is_real ? number_kind::real : number_kind::none;
    }
    if (!is_digit(c)) return number_kind::none;
    is_too_large = is_too_large || read > integer_max / 10;
    if (!is_too_large) read = read * 10 + static_cast<uint64_t>(c - '0');
    is_too_large = is_too_large || read > integer_max;
  }
  if (is_too_large) return number_kind::none;
  integer = negative ? -static_cast<int64_t>(read) : static_cast<int64_t>(read);
  return number_kind::integer;
}

// As a conversion in Rust: saturates instead of overflowing, and makes 0 of NaN.
int64_t saturated(double from) noexcept {
  if (std::isnan(from)) return 0;
  if (from >= 9223372036854775808.0) return std::numeric_limits<int64_t>::max();
  if (from < -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(from);
}

problem datetime_from_parts(int64_t timestamp, int64_t microsecond, moment& to) noexcept {
  if (timestamp == std::numeric_limits<int64_t>::min()) {
    return "dates before 0000 are not supported as unix timestamps";
  }
  if (std::abs(timestamp) > milliseconds_from) {
    int64_t rest = timestamp % 1000;
    timestamp /= 1000;
    if (rest < 0) {
      timestamp -= 1;
      rest += 1000;
    }
    microsecond += rest * 1000;
  }
  timestamp += microsecond / second_us;
  if (timestamp < timestamp_min) return "dates before 0000 are not supported as unix timestamps";
  if (timestamp > timestamp_max) return "dates after 9999 are not supported as unix timestamps";
  int64_t days = timestamp / day_s;
  int64_t second_of_day = timestamp % day_s;
  if (second_of_day < 0) {
    days -= 1;
    second_of_day += day_s;
  }
  set_date(to.at, days);
  set_time(to.at, second_of_day, microsecond % second_us);
  to.offset_s = 0;
  return fine;
}

int64_t second_of_day(const calendar_time& at) noexcept {
  return static_cast<int64_t>(at.hour) * 3600 + static_cast<int64_t>(at.minute) * 60 + static_cast<int64_t>(at.second);
}

int sign_of(int64_t left, int64_t right) noexcept { return left < right ? -1 : left > right ? 1 : 0; }

}  // namespace

problem read_date(std::string_view text, moment& to) noexcept {
  problem wrong = read_date_part(text, to.at);
  if (wrong.empty() && text.size() > 10) wrong = extra_characters;
  if (wrong.empty()) return fine;
  int64_t integer = 0;
  double real = 0;
  if (read_timestamp(text, integer, real) != number_kind::integer) return wrong;
  to = moment();
  if (wrong = datetime_from_parts(integer, 0, to); !wrong.empty()) return wrong;
  return is_midnight(to) ? fine : "Timestamp is not an exact date";
}

problem read_time(std::string_view text, moment& to) noexcept {
  size_t at = 0;
  const problem wrong = read_clock(text, at, to.at);
  return wrong.empty() ? read_offset(text, at, to.offset_s) : wrong;
}

problem read_datetime(std::string_view text, moment& to) noexcept {
  problem wrong = read_date_part(text, to.at);
  if (wrong.empty()) {
    const char separator = text.size() > 10 ? text[10] : '\0';
    if (separator != 'T' && separator != 't' && separator != ' ' && separator != '_') {
      wrong = "invalid datetime separator, expected `T`, `t`, `_` or space";
    }
  }
  size_t at = 11;
  if (wrong.empty()) wrong = read_clock(text, at, to.at);
  if (wrong.empty()) wrong = read_offset(text, at, to.offset_s);
  if (wrong.empty()) return fine;
  int64_t integer = 0;
  double real = 0;
  const number_kind kind = read_timestamp(text, integer, real);
  if (kind == number_kind::none) return wrong;
  to = moment();
  return kind == number_kind::integer ? datetime_from(integer, to) : datetime_from(real, to);
}

problem datetime_from(int64_t timestamp, moment& to) noexcept { return datetime_from_parts(timestamp, 0, to); }

problem datetime_from(double timestamp, moment& to) noexcept {
  if (std::isnan(timestamp)) return nan_refused;
  const double unit = std::abs(timestamp) <= static_cast<double>(milliseconds_from) ? 1e6 : 1e3;
  const double fraction = std::isinf(timestamp) ? 0 : timestamp - std::floor(timestamp);
  return datetime_from_parts(saturated(std::floor(timestamp)), saturated(std::round(fraction * unit)), to);
}

problem time_from(int64_t timestamp, moment& to) noexcept {
  if (timestamp < 0) return "time in seconds should be positive";
  if (timestamp >= day_s) return time_too_large;
  set_time(to.at, timestamp, 0);
  to.offset_s = 0;
  return fine;
}

problem time_from(double timestamp, moment& to) noexcept {
  if (std::isnan(timestamp)) return nan_refused;
  int64_t seconds = saturated(std::floor(timestamp));
  if (seconds < 0) return "time in seconds should be positive";
  int64_t microsecond = saturated(std::round(std::abs(timestamp - std::trunc(timestamp)) * 1e6));
  if (seconds < day_s) seconds += microsecond / second_us;
  if (seconds >= day_s) return time_too_large;
  set_time(to.at, seconds, microsecond % second_us);
  to.offset_s = 0;
  return fine;
}

int compare(const moment& left, const moment& right) noexcept {
  const bool shifted = left.offset_s != value::no_offset && right.offset_s != value::no_offset;
  const auto seconds = [shifted](const moment& of) {
    const int64_t days = of.at.month == 0
                             ? 0
                             : days_from_civil(static_cast<int64_t>(of.at.year), static_cast<int64_t>(of.at.month),
                                               static_cast<int64_t>(of.at.day));
    return days * day_s + second_of_day(of.at) - (shifted ? of.offset_s : 0);
  };
  if (const int order = sign_of(seconds(left), seconds(right)); order != 0) return order;
  return sign_of(static_cast<int64_t>(left.at.microsecond), static_cast<int64_t>(right.at.microsecond));
}

}  // namespace fasterapi::schema
