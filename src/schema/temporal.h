#pragma once

#include <cstdint>
#include <string_view>

#include "schema/value.h"

namespace fasterapi::schema {

// A date, a time of day or both; the fields that a kind lacks are zero. Year 0 can be read, but Python has none.
struct moment {
  calendar_time at{};
  int32_t offset_s = value::no_offset;
};

// A length of time as Python's timedelta keeps it: 0 ≤ microseconds < 86'400'000'000.
struct span {
  int32_t days = 0;
  int64_t microseconds = 0;
};

// The readers below accept what pydantic accepts: RFC 3339 with small liberties, and unix timestamps, which count
// milliseconds past 2e10. They return what is wrong in its words, or an empty text when nothing is.
using problem = std::string_view;

problem read_date(std::string_view text, moment& to) noexcept;
problem read_time(std::string_view text, moment& to) noexcept;
problem read_datetime(std::string_view text, moment& to) noexcept;
// ISO 8601 durations ("P1DT2H"), "[-][D day[s][,] ]H:MM[:SS[.f]]".
problem read_span(std::string_view text, span& to) noexcept;

problem datetime_from(int64_t timestamp, moment& to) noexcept;
problem datetime_from(double timestamp, moment& to) noexcept;
// Seconds since midnight.
problem time_from(int64_t timestamp, moment& to) noexcept;
problem time_from(double timestamp, moment& to) noexcept;
problem span_from(int64_t seconds, span& to) noexcept;
problem span_from(double seconds, span& to) noexcept;

// Less than, equal to or greater than zero, as `left` comes before, with or after `right`. Offsets count only when both
// have one.
int compare(const moment& left, const moment& right) noexcept;
int compare(const span& left, const span& right) noexcept;

inline bool is_midnight(const moment& of) noexcept {
  return of.at.hour == 0 && of.at.minute == 0 && of.at.second == 0 && of.at.microsecond == 0;
}

// Seconds, as Python's timedelta.total_seconds() gives them.
double total_seconds(const span& of) noexcept;

}  // namespace fasterapi::schema
