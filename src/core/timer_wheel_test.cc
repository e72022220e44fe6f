#include "core/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
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

// Whoever sleeps for as long as it says misses nothing.
TEST_F(TimerWheelTest, IsNeverQuietPastADeadline) {
  std::mt19937 random(7);
  const auto below = [&random](int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(random); };
  std::vector<alarm> alarms;
  for (int i = 0; i < 8; ++i) alarms.emplace_back(i);
  std::vector<int64_t> due(alarms.size(), 0);  // 0: not armed
  int64_t now = 1000;
  for (int step = 0; step < 20'000; ++step) {
    const auto which = static_cast<size_t>(below(8));
    if (below(3) == 0) {
      wheel.disarm(alarms[which]);
      due[which] = 0;
    } else {
      due[which] = now + 1 + below(below(2) == 0 ? 1'000 : 200'000);
      wheel.arm(alarms[which], due[which]);
    }
    const int64_t quiet = wheel.quiet_ms(now, 1'000'000);
    ASSERT_GE(quiet, 0);
    const bool any = std::ranges::any_of(due, [](int64_t at) { return at != 0; });
    if (!any) {
      ASSERT_EQ(quiet, 1'000'000);
      continue;
    }
    for (const int64_t at : due) {
      ASSERT_TRUE(at == 0 || now + quiet <= at + wheel.tick_ms) << at << " at " << now;
    }
    if (below(2) == 0) continue;
    now += std::min(quiet, below(100'000));
    const Names fired = advance(now);
    for (const int name : fired) {
      ASSERT_LE(std::exchange(due[static_cast<size_t>(name)], 0), now);
    }
    for (const int64_t at : due) ASSERT_TRUE(at == 0 || at + wheel.tick_ms > now) << at << " at " << now;
  }
}

TEST_F(TimerWheelTest, LooksAgainAtMostOnceARound) {
  alarm one(1);
  const int64_t horizon = wheel.slot_count * wheel.tick_ms;
  wheel.arm(one, 1000 + 10 * horizon);
  int64_t now = 1000;
  int looks = 0;
  for (Names fired; fired.empty(); ++looks) {
    now += wheel.quiet_ms(now, 100 * horizon);
    fired = advance(now);
  }
  EXPECT_LE(looks, 12);
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
