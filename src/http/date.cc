#include "http/date.h"

#include <algorithm>

namespace fasterapi::http {
namespace {

constexpr std::string_view weekday_names = "ThuFriSatSunMonTueWed";  // 1 January 1970 was a Thursday
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct civil_date {
  uint32_t year;
  uint32_t month;  // 0-11
  uint32_t day;    // 1-31
};

// The date of a day since 1 January 1970, counted in years that start on 1 March, so that a leap day comes last.
civil_date date_of(uint32_t day) noexcept {
  constexpr uint32_t days_to_era = 719468;  // from 1 March 0000 to 1 January 1970
  constexpr uint32_t era_days = 146097;     // 400 years
  const uint32_t shifted = day + days_to_era;
  const uint32_t of_era = shifted % era_days;
  const uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t march_month = (5 * of_year + 2) / 153;
  const uint32_t month = (march_month + 2) % 12;
  const uint32_t year = shifted / era_days * 400 + year_of_era + (month < 2 ? 1 : 0);
  return {year, month, of_year - (153 * march_month + 2) / 5 + 1};
}

}  // namespace

void date_cache::render(int64_t unix_second) noexcept {
  second_ = unix_second;
  const auto day = static_cast<uint32_t>(unix_second / 86400);
  const auto of_day = static_cast<uint32_t>(unix_second % 86400);
  const civil_date date = date_of(day);
  char* to = text_.data();
  const auto put = [&to](std::string_view part) { to = std::copy(part.begin(), part.end(), to); };
  const auto put_two = [&to](uint32_t value) {
    *to++ = static_cast<char>('0' + value / 10);
    *to++ = static_cast<char>('0' + value % 10);
  };
  put(weekday_names.substr(size_t{day} % 7 * 3, 3));
  put(", ");
  put_two(date.day);
  put(" ");
  put(month_names.substr(size_t{date.month} * 3, 3));
  put(" ");
  put_two(date.year / 100);
  put_two(date.year % 100);
  put(" ");
  put_two(of_day / 3600);
  put(":");
  put_two(of_day / 60 % 60);
  put(":");
  put_two(of_day % 60);
  put(" GMT");
}

}  // namespace fasterapi::http
