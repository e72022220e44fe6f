#include "server/shortages.h"

#include <gtest/gtest.h>

#include "server/access_log.h"
#include "server/config.h"
#include "server/limits.h"

namespace fasterapi::server {
namespace {

constexpr int64_t long_ms = 1'000'000;
constexpr int64_t pause_ms = limits::notice_pause_ms;

TEST(Shortages, TellsOfTheFirstAtOnceAndOfTheOthersAfterAPause) {
  access_log log{config{}};
  shortages told;
  told.note(shortage::queue, 8, 1000, log);
  EXPECT_EQ(told.quiet_ms(1000, long_ms), long_ms);

  told.note(shortage::queue, 8, 1100, log);
  told.note(shortage::queue, 8, 1200, log);
  EXPECT_EQ(told.quiet_ms(1200, long_ms), pause_ms - 200);
  EXPECT_EQ(told.quiet_ms(1200, 10), 10);
  told.tell_late(1300, log);
  EXPECT_EQ(told.quiet_ms(1300, long_ms), pause_ms - 300);
  told.tell_late(1000 + pause_ms, log);
  EXPECT_EQ(told.quiet_ms(1000 + pause_ms, long_ms), long_ms);
  EXPECT_EQ(told.count(shortage::queue), 3U);

  // The pause begins anew with that line.
  told.note(shortage::queue, 8, 1100 + pause_ms, log);
  EXPECT_EQ(told.quiet_ms(1100 + pause_ms, long_ms), pause_ms - 100);
}

TEST(Shortages, OfSeveralTheEarliestIsWaitedFor) {
  access_log log{config{}};
  shortages told;
  for (int64_t at : {1000, 1001}) told.note(shortage::queue, 8, at, log);
  for (int64_t at : {2000, 2001}) told.note(shortage::memory, 0, at, log);
  EXPECT_EQ(told.quiet_ms(2001, long_ms), pause_ms - 1001);
  told.tell_late(1000 + pause_ms, log);
  EXPECT_EQ(told.quiet_ms(1000 + pause_ms, long_ms), 1000);
  told.tell_rest(log);
  EXPECT_EQ(told.quiet_ms(1000 + pause_ms, long_ms), long_ms);
}

}  // namespace
}  // namespace fasterapi::server
