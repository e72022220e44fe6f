#include "server/log_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace fasterapi::server {
namespace {

TEST(log_clock, writes_utc_as_iso_8601) {
  log_clock clock(true);
  EXPECT_EQ(clock.at(1'000'000'000'007), "2001-09-09T01:46:40.007Z");
  EXPECT_EQ(clock.at(1'000'000'000'999), "2001-09-09T01:46:40.999Z");
  EXPECT_EQ(clock.at(1'000'000'001'000), "2001-09-09T01:46:41.000Z");
}

TEST(log_clock, writes_local_time_as_the_package_does) {
  ASSERT_EQ(setenv("TZ", "XYZ-2", 1), 0);
  tzset();
  log_clock clock(false);
  EXPECT_EQ(clock.at(1'000'000'000'120), "2001-09-09 03:46:40.120");
  unsetenv("TZ");
  tzset();
}

TEST(log_clock, knows_the_wall_clock) {
  const int64_t now = wall_ms();
  EXPECT_NEAR(static_cast<double>(now), static_cast<double>(time(nullptr)) * 1000.0, 2000.0);
}

}  // namespace
}  // namespace fasterapi::server
