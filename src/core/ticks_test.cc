#include "core/ticks.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fasterapi::core {
namespace {

class TicksTest : public testing::Test {
 protected:
  void SetUp() override { ticks::prepare(); }
};

TEST_F(TicksTest, AgreeWithTheClock) {
  const int64_t clock_before = monotonic_ns();
  const ticks begin = ticks::now();
  const int64_t clock_began = monotonic_ns();
  while (monotonic_ns() - clock_began < 20'000'000) {
  }
  const int64_t clock_ends = monotonic_ns();
  const ticks end = ticks::now();
  const int64_t clock_after = monotonic_ns();
  // What lies surely within the measured span, and what surely contains it; 1 % for the calibration.
  EXPECT_GE(end.ns_since(begin), (clock_ends - clock_began) * 99 / 100);
  EXPECT_LE(end.ns_since(begin), (clock_after - clock_before) * 101 / 100);
}

TEST_F(TicksTest, NeverRunBackwardsOnOneThread) {
  ticks last = ticks::now();
  for (int i = 0; i < 100'000; ++i) {
    const ticks next = ticks::now();
    ASSERT_GE(next.ns_since(last), 0);
    ASSERT_EQ(last.ns_since(next), 0);
    last = next;
  }
}

TEST_F(TicksTest, TellWhetherTheyWereRead) {
  EXPECT_TRUE(ticks().empty());
  EXPECT_FALSE(ticks::now().empty());
}

TEST_F(TicksTest, LongSpansDoNotOverflow) {
  // From a moment that was never read: since the counter's beginning, days or years ago.
  const ticks now = ticks::now();
  EXPECT_GT(now.ns_since(ticks()), 0);
}

TEST_F(TicksTest, MayBePreparedByManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([] { ticks::prepare(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(ticks::now().empty());
}

}  // namespace
}  // namespace fasterapi::core
