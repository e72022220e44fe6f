#include "schema/temporal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace fasterapi::schema {
namespace {

std::string show(const moment& of) {
  char text[80];
  std::snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u.%06u", static_cast<unsigned>(of.at.year),
                static_cast<unsigned>(of.at.month), static_cast<unsigned>(of.at.day), static_cast<unsigned>(of.at.hour),
                static_cast<unsigned>(of.at.minute), static_cast<unsigned>(of.at.second),
                static_cast<unsigned>(of.at.microsecond));
  return of.offset_s == value::no_offset ? text : std::string(text) + " " + std::to_string(of.offset_s);
}

std::string datetime(std::string_view text) {
  moment read;
  const problem wrong = read_datetime(text, read);
  return wrong.empty() ? show(read) : std::string(wrong);
}

std::string timestamp(double seconds) {
  moment read;
  const problem wrong = datetime_from(seconds, read);
  return wrong.empty() ? show(read) : std::string(wrong);
}

std::string duration(std::string_view text) {
  span read;
  const problem wrong = read_span(text, read);
  return wrong.empty() ? std::to_string(read.days) + "d " + std::to_string(read.microseconds) + "us"
                       : std::string(wrong);
}

TEST(temporal, reads_rfc_3339_with_its_liberties) {
  EXPECT_EQ(datetime("2026-02-28T12:30:15Z"), "2026-02-28 12:30:15.000000 0");
  EXPECT_EQ(datetime("2024-02-29 12:30"), "2024-02-29 12:30:00.000000");
  EXPECT_EQ(datetime("2024-02-29t12:30:15,5-0830"), "2024-02-29 12:30:15.500000 -30600");
  EXPECT_EQ(datetime("2024-02-29_12:30:15.123456789+23:59"), "2024-02-29 12:30:15.123456 86340");
  EXPECT_EQ(datetime("2024-02-29T12:30:15\xE2\x88\x92"
                     "01:00"),
            "2024-02-29 12:30:15.000000 -3600");
}

TEST(temporal, says_what_is_wrong) {
  EXPECT_EQ(datetime("2026-02-29T00:00"), "day value is outside expected range");
  EXPECT_EQ(datetime("2026-02-28"), "invalid datetime separator, expected `T`, `t`, `_` or space");
  EXPECT_EQ(datetime("2026-02-28T24:00"), "hour value is outside expected range of 0-23");
  EXPECT_EQ(datetime("2026-02-28T12:30+24:00"), "timezone offset must be less than 24 hours");
  EXPECT_EQ(datetime("2026-02-28T12:30Zx"), "unexpected extra characters at the end of the input");
}

TEST(temporal, takes_timestamps_for_seconds_or_milliseconds) {
  EXPECT_EQ(datetime("0"), "1970-01-01 00:00:00.000000 0");
  EXPECT_EQ(datetime("-1"), "1969-12-31 23:59:59.000000 0");
  EXPECT_EQ(datetime("20000000000"), "2603-10-11 11:33:20.000000 0");
  EXPECT_EQ(datetime("20000000001"), "1970-08-20 11:33:20.001000 0");
  EXPECT_EQ(timestamp(-1.25), "1969-12-31 23:59:58.750000 0");
  EXPECT_EQ(timestamp(INFINITY), "dates after 9999 are not supported as unix timestamps");
  EXPECT_EQ(timestamp(NAN), "NaN values not permitted");
}

TEST(temporal, round_trips_every_day_of_four_centuries) {
  for (int64_t day = -146'097; day < 146'097; day += 1) {
    moment read;
    ASSERT_TRUE(datetime_from(day * 86'400, read).empty());
    moment again;
    ASSERT_TRUE(read_date(show(read).substr(0, 10), again).empty()) << show(read);
    ASSERT_EQ(show(again).substr(0, 10), show(read).substr(0, 10));
  }
}

TEST(temporal, compares_moments_with_their_offsets) {
  moment utc, later, naive;
  ASSERT_TRUE(read_datetime("2026-01-01T12:00Z", utc).empty());
  ASSERT_TRUE(read_datetime("2026-01-01T12:30+01:00", later).empty());
  ASSERT_TRUE(read_datetime("2026-01-01T12:15", naive).empty());
  EXPECT_GT(compare(utc, later), 0);
  EXPECT_LT(compare(utc, naive), 0);
  EXPECT_EQ(compare(utc, utc), 0);
}

TEST(temporal, reads_durations) {
  EXPECT_EQ(duration("P1DT2H3M4.5S"), "1d 7384500000us");
  EXPECT_EQ(duration("-P1D"), "-1d 0us");
  EXPECT_EQ(duration("-PT1S"), "-1d 86399000000us");
  EXPECT_EQ(duration("P0.5D"), "0d 43200000000us");
  EXPECT_EQ(duration("2 days, 1:00"), "input is too short");
  EXPECT_EQ(duration("2 days, 01:00"), "2d 3600000000us");
  EXPECT_EQ(duration("36:00:00"), "1d 43200000000us");
  EXPECT_EQ(duration("P999999999D"), "999999999d 0us");
  EXPECT_EQ(duration("P1000000000D"), "durations may not exceed 999,999,999 days");
  EXPECT_EQ(duration("P1H"), "quantity invalid in date part of duration");
  EXPECT_EQ(duration(""), "input is too short");
}

}  // namespace
}  // namespace fasterapi::schema
