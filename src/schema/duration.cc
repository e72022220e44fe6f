#include <cmath>
#include <cstdint>
#include <limits>

#include "schema/temporal.h"

namespace fasterapi::schema {

namespace {

constexpr problem fine;
constexpr problem too_short = "input is too short";
constexpr problem value_too_large = "a numeric value in the duration is too large";
constexpr problem days_too_large = "durations may not exceed 999,999,999 days";
constexpr problem hours_too_large = "durations may not exceed 999,999,999 hours";
constexpr problem invalid_number = "invalid digit in duration";
constexpr problem invalid_days = "\"day\" identifier in duration not correctly formatted";

constexpr uint64_t number_max = std::numeric_limits<uint32_t>::max();
constexpr uint64_t days_max = 999'999'999;
constexpr uint64_t day_s = 86'400;
constexpr uint64_t second_us = 1'000'000;
constexpr int64_t day_us = 86'400'000'000;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// A duration without its sign, not yet normalised. Each field is bounded by 32 bits, as the reference's are.
struct amount {
  uint64_t days = 0;
  uint64_t seconds = 0;
  uint64_t microseconds = 0;
};

problem finish(amount from, bool positive, span& to) noexcept {
  from.seconds += from.microseconds / second_us;
  from.microseconds %= second_us;
  if (from.seconds > number_max) return value_too_large;
  from.days += from.seconds / day_s;
  from.seconds %= day_s;
  if (from.days > number_max) return value_too_large;
  if (from.days > days_max) return days_too_large;
  to.days = static_cast<int32_t>(from.days);
  to.microseconds = static_cast<int64_t>(from.seconds * second_us + from.microseconds);
  if (positive) return fine;
  to.days = -to.days;
  to.microseconds = -to.microseconds;
  if (to.microseconds < 0) {
    to.days -= 1;
    to.microseconds += day_us;
  }
  return to.days < -static_cast<int32_t>(days_max) ? days_too_large : fine;
}

problem read_number(std::string_view text, size_t& at, uint64_t& number) noexcept {
  if (at >= text.size() || !is_digit(text[at])) return invalid_number;
  for (number = 0; at < text.size() && is_digit(text[at]); ++at) {
    number = number * 10 + static_cast<uint64_t>(text[at] - '0');
    if (number > number_max) return value_too_large;
  }
  return fine;
}

// One "<number>[.fraction]<unit>" of an ISO 8601 duration.
struct quantity {
  uint64_t number = 0;
  bool has_fraction = false;
  double fraction = 0;
};

problem read_quantity(std::string_view text, size_t& at, quantity& to) noexcept {
  if (const problem wrong = read_number(text, at, to.number); !wrong.empty()) return wrong;
  if (at >= text.size() || (text[at] != '.' && text[at] != ',')) return fine;
  to.has_fraction = true;
  double digits = 0;
  double scale = 1;
  for (++at; at < text.size() && is_digit(text[at]); ++at) {
    digits = digits * 10 + (text[at] - '0');
    scale *= 10;
  }
  to.fraction = digits / scale;
  return fine;
}

uint64_t unit_s(char unit) noexcept { return unit == 'H' ? 3600 : unit == 'M' ? 60 : unit == 'S' ? 1 : 0; }
uint64_t unit_days(char unit) noexcept {
  return unit == 'Y' ? 365 : unit == 'M' ? 30 : unit == 'W' ? 7 : unit == 'D' ? 1 : 0;
}

bool add(uint64_t& to, uint64_t number, uint64_t factor) noexcept {
  if (number * factor > number_max) return false;
  to += number * factor;
  return to <= number_max;
}

problem add_seconds(const quantity& of, uint64_t unit, amount& to) noexcept {
  if (!add(to.seconds, of.number, unit)) return value_too_large;
  if (!of.has_fraction) return fine;
  const double extra = of.fraction * static_cast<double>(unit);
  const double whole = std::trunc(extra);
  if (!add(to.seconds, static_cast<uint64_t>(whole), 1)) return value_too_large;
  to.microseconds += static_cast<uint64_t>(std::round((extra - whole) * 1e6));
  return fine;
}

problem add_days(const quantity& of, uint64_t unit, amount& to) noexcept {
  if (!add(to.days, of.number, unit)) return value_too_large;
  if (!of.has_fraction) return fine;
  const double extra = of.fraction * static_cast<double>(unit);
  const double whole = std::trunc(extra);
  if (!add(to.days, static_cast<uint64_t>(whole), 1)) return value_too_large;
  return add_seconds({0, true, extra - whole}, day_s, to);
}

// What follows the "P".
problem read_iso(std::string_view text, amount& to) noexcept {
  bool in_time = false;
  bool had_fraction = false;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == 'T') {
      if (in_time) return "`t` character repeated in duration";
      in_time = true;
      continue;
    }
    quantity each;
    if (const problem wrong = read_quantity(text, at, each); !wrong.empty()) return wrong;
    if (had_fraction) return "quantity fraction invalid in duration";
    had_fraction = each.has_fraction;
    const char letter = at < text.size() ? text[at] : '\0';
    const uint64_t unit = in_time ? unit_s(letter) : unit_days(letter);
    if (unit == 0) {
      return in_time ? "quantity invalid in time part of duration" : "quantity invalid in date part of duration";
    }
    const problem wrong = in_time ? add_seconds(each, unit, to) : add_days(each, unit, to);
    if (!wrong.empty()) return wrong;
  }
  return at < 2 ? too_short : fine;
}

// H…H:MM[:SS[.f]]
problem read_hours(std::string_view text, amount& to) noexcept {
  constexpr size_t clock_max = 12;  // MM:SS.ffffff
  if (text.size() < 5) return too_short;
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return "invalid character in hour";
  if (colon > 10) return hours_too_large;
  uint64_t hours = 0;
  for (const char c : text.substr(0, colon)) {
    if (!is_digit(c)) return "invalid character in hour";
    hours = hours * 10 + static_cast<uint64_t>(c - '0');
  }
  if (hours > 2'400'000'000) return hours_too_large;
  const std::string_view rest = text.substr(colon + 1, clock_max);
  char clock[3 + clock_max] = {'0', '0', ':'};
  rest.copy(clock + 3, rest.size());
  moment read;
  const std::string_view whole(clock, 3 + rest.size());
  if (const problem wrong = read_time(whole, read); !wrong.empty()) {
    const bool is_clock_problem = wrong.find("timezone") == std::string_view::npos;
    return is_clock_problem ? wrong : "unexpected extra characters at the end of the input";
  }
  if (read.offset_s != value::no_offset) return "unexpected extra characters at the end of the input";
  to.days = hours / 24;
  to.seconds = hours % 24 * 3600 + uint64_t{read.at.minute} * 60 + read.at.second;
  to.microseconds = read.at.microsecond;
  return fine;
}

// Drops `word` in either case from the front of `text`.
bool take_either(std::string_view& text, std::string_view lower, std::string_view upper) noexcept {
  if (!text.starts_with(lower) && !text.starts_with(upper)) return false;
  text.remove_prefix(lower.size());
  return true;
}

// D[ ]d[ay[s]][,][ ][time]
problem read_days(std::string_view text, amount& to) noexcept {
  size_t at = 0;
  if (text.empty()) return too_short;
  if (const problem wrong = read_number(text, at, to.days); !wrong.empty()) return wrong;
  text.remove_prefix(at);
  if (!take_either(text, " d", " D") && !take_either(text, "d", "D")) return invalid_days;
  if (!take_either(text, "ays", "AYS") && !take_either(text, "ay", "AY") && take_either(text, "a", "A")) {
    return invalid_days;
  }
  if (!take_either(text, ", ", ", ") && !take_either(text, ",", ",")) take_either(text, " ", " ");
  if (text.empty()) return fine;
  amount time;
  if (const problem wrong = read_hours(text, time); !wrong.empty()) return wrong;
  if (time.days > 0) return hours_too_large;
  to.seconds = time.seconds;
  to.microseconds = time.microseconds;
  return fine;
}

}  // namespace

problem read_span(std::string_view text, span& to) noexcept {
  bool positive = true;
  if (text.starts_with('-') || text.starts_with('+')) {
    positive = text[0] == '+';
    text.remove_prefix(1);
  }
  if (text.empty()) return too_short;
  amount read;
  problem wrong;
  if (text[0] == 'P') {
    wrong = read_iso(text.substr(1), read);
  } else if (text.size() < 5 || text.find_first_of("dD") != std::string_view::npos) {
    wrong = read_days(text, read);
  } else {
    wrong = read_hours(text, read);
  }
  return wrong.empty() ? finish(read, positive, to) : wrong;
}

problem span_from(int64_t seconds, span& to) noexcept {
  const uint64_t total = seconds < 0 ? 0 - static_cast<uint64_t>(seconds) : static_cast<uint64_t>(seconds);
  if (total / day_s > days_max) return days_too_large;
  return finish({total / day_s, total % day_s, 0}, seconds >= 0, to);
}

problem span_from(double seconds, span& to) noexcept {
  if (std::isnan(seconds)) return "NaN values not permitted";
  const double total = std::abs(seconds);
  if (total / static_cast<double>(day_s) >= static_cast<double>(days_max + 1)) return days_too_large;
  const double fraction = total - std::trunc(total);
  const auto whole = static_cast<uint64_t>(total);
  const auto microseconds = static_cast<uint64_t>(std::round(fraction * 1e6));
  return finish({whole / day_s, whole % day_s, microseconds}, seconds >= 0, to);
}

int compare(const span& left, const span& right) noexcept {
  if (left.days != right.days) return left.days < right.days ? -1 : 1;
  return left.microseconds < right.microseconds ? -1 : left.microseconds > right.microseconds ? 1 : 0;
}

double total_seconds(const span& of) noexcept {
  const int64_t seconds =
      int64_t{of.days} * static_cast<int64_t>(day_s) + of.microseconds / static_cast<int64_t>(second_us);
  const int64_t rest = of.microseconds % static_cast<int64_t>(second_us);
  return static_cast<double>(static_cast<long double>(seconds) + static_cast<long double>(rest) / 1e6L);
}

}  // namespace fasterapi::schema
