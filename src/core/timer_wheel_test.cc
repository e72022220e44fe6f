#include "core/timer_wheel.h"

#include <gtest/gtest.h>

#include <vector>

namespace fasterapi::core {
namespace {

struct alarm : wheel_timer {
  explicit alarm(int name) : name(name) {}
  int name;
};

class TimerWheelTest : public testing::Test {
 protected:
  std::vector<int> advance(int64_t now_ms) {
    std::vector<int> due;
    wheel.advance(now_ms, [&](alarm& one) { due.push_back(one.name); });
    return due;
  }
  using Names = std::vector<int>;
  timer_wheel<alarm> wheel{1000};
};

TEST_F(TimerWheelTest, FiresAtTheDeadlineAndNotBefore) {
  alarm one(1);
  wheel.arm(one, 5000);
  EXPECT_EQ(advance(4999), Names{});
  EXPECT_EQ(advance(5000 + wheel.tick_ms), Names{1});
  EXPECT_EQ(advance(60'000), Names{});
}

TEST_F(TimerWheelTest, ADeadlinePutOffIsKept) {
  alarm one(1);
  wheel.arm(one, 2000);
  wheel.arm(one, 9000);
  EXPECT_EQ(advance(8000), Names{});
  EXPECT_EQ(advance(9200), Names{1});
}

TEST_F(TimerWheelTest, ADeadlineBroughtForwardIsKept) {
  alarm one(1);
  wheel.arm(one, 90'000);
  wheel.arm(one, 2000);
  EXPECT_EQ(advance(2200), Names{1});
}

TEST_F(TimerWheelTest, DeadlinesPastTheHorizonWait) {
  alarm one(1);
  const int64_t horizon = wheel.tick_ms * wheel.slot_count;
  wheel.arm(one, 1000 + 3 * horizon);
  for (int64_t now = 1000; now < 1000 + 3 * horizon; now += 1000) EXPECT_EQ(advance(now), Names{});
  EXPECT_EQ(advance(1000 + 3 * horizon + wheel.tick_ms), Names{1});
}

TEST_F(TimerWheelTest, ALongPauseLosesNothing) {
  alarm one(1), two(2);
  wheel.arm(one, 2000);
  wheel.arm(two, 50'000);
  Names due = advance(10'000'000);
  std::sort(due.begin(), due.end());
  EXPECT_EQ(due, (Names{1, 2}));
}

TEST_F(TimerWheelTest, DisarmedDoesNotFire) {
  alarm one(1);
  wheel.arm(one, 2000);
  wheel.disarm(one);
  EXPECT_EQ(advance(10'000), Names{});
  EXPECT_EQ(wheel.quiet_ms(10'000, 777), 777);
}

TEST_F(TimerWheelTest, TellsHowLongItIsQuiet) {
  alarm one(1);
  EXPECT_EQ(wheel.quiet_ms(1000, 60'000), 60'000);
  wheel.arm(one, 3000);
  const int64_t quiet = wheel.quiet_ms(1000, 60'000);
  EXPECT_GE(1000 + quiet, 3000);
  EXPECT_LE(1000 + quiet, 3000 + wheel.tick_ms);
  EXPECT_EQ(advance(1000 + quiet), Names{1});
}

TEST_F(TimerWheelTest, TheCallbackMayArmAgain) {
  alarm one(1);
  wheel.arm(one, 2000);
  int fired = 0;
  wheel.advance(3000, [&](alarm& due) {
    ++fired;
    wheel.arm(due, 3001);
  });
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(advance(3300), Names{1});
}

}  // namespace
}  // namespace fasterapi::core
