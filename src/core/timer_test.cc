#include "fasterapi/core/timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/sample_values.h"
#include "fasterapi/core/errc.h"
#include "fasterapi/core/future.h"

namespace fasterapi::core {
namespace {

constexpr int64_t ms = 1'000'000;
constexpr int64_t hour = 3'600'000 * ms;

class Timer : public testing::Test {
 protected:
  void SetUp() override {
    auto made = timer::create();
    ASSERT_TRUE(made.ok());
    tested = made.take();
  }

  // Until everything that is due by now was run.
  void settle() {
    promise<nothing> done;
    auto settled = done.get_future();
    tested->schedule(monotonic_ns(), [done = std::move(done)]() mutable { done.set(nothing{}); });
    ASSERT_TRUE(settled.wait_for(patience_ns));
  }

  std::unique_ptr<timer> tested;
};

TEST_F(Timer, RunsWorkAtItsTime) {
  const int64_t deadline = monotonic_ns() + 5 * ms;
  promise<int64_t> ran;
  auto when = ran.get_future();
  tested->schedule(deadline, [&ran] { ran.set(monotonic_ns()); });
  ASSERT_TRUE(when.wait_for(patience_ns));
  EXPECT_GE(when.get().value(), deadline);
}

TEST_F(Timer, RunsInTheOrderOfDeadlinesAndThenOfArrival) {
  const int64_t base = monotonic_ns() + 20 * ms;
  std::vector<int> order;  // used by the timer's thread, and read once that is done
  promise<nothing> last;
  auto done = last.get_future();
  tested->schedule(base + 3, [&] {
    order.push_back(4);
    last.set(nothing{});
  });
  tested->schedule(base + 2, [&] { order.push_back(2); });
  tested->schedule(base + 2, [&] { order.push_back(3); });
  tested->schedule(base + 1, [&] { order.push_back(1); });
  ASSERT_TRUE(done.wait_for(patience_ns));
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST_F(Timer, AnEarlierDeadlineIsNotKeptWaiting) {
  tested->schedule(monotonic_ns() + hour, [] { FAIL(); });
  settle();
  EXPECT_EQ(tested->size(), 1U);
}

TEST_F(Timer, WorkCanBeTakenBack) {
  auto held = std::make_shared<int>(1);
  timer_handle handle = tested->schedule(monotonic_ns() + hour, [held] { FAIL() << *held; });
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_TRUE(handle.cancel());
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(handle.cancel());
  EXPECT_EQ(tested->size(), 0U);
}

TEST_F(Timer, WhatHasRunCannotBeTakenBack) {
  timer_handle handle = tested->schedule(0, [] {});
  settle();
  EXPECT_FALSE(handle.cancel());
  EXPECT_FALSE(timer_handle().cancel());
}

TEST_F(Timer, WorkMayScheduleAndCancel) {
  promise<nothing> last;
  auto done = last.get_future();
  timer_handle unwanted = tested->schedule(monotonic_ns() + hour, [] { FAIL(); });
  tested->schedule(0, [&] {
    EXPECT_TRUE(unwanted.cancel());
    tested->schedule(0, [&] { last.set(nothing{}); });
  });
  EXPECT_TRUE(done.wait_for(patience_ns));
}

TEST_F(Timer, ItsEndBreaksPromises) {
  promise<int> never;
  auto tested_future = never.get_future();
  timer_handle handle = tested->schedule(monotonic_ns() + hour, [never = std::move(never)]() mutable { never.set(1); });
  tested.reset();
  EXPECT_EQ(tested_future.get().failure().code, errc::broken_promise);
  EXPECT_FALSE(handle.cancel());
}

// Each piece of work runs or is taken back, never both, never neither.
TEST_F(Timer, NothingIsLostBetweenThreads) {
  constexpr int threads = 3;
  constexpr int each = 400;
  std::atomic<int> ran = 0;
  std::atomic<int> taken_back = 0;
  std::vector<std::thread> users;
  for (int number = 0; number < threads; ++number) {
    users.emplace_back([&, number] {
      std::mt19937 random(static_cast<uint32_t>(number));
      std::vector<timer_handle> handles;
      for (int i = 0; i < each; ++i) {
        handles.push_back(
            tested->schedule(monotonic_ns() + static_cast<int64_t>(random() % 2'000'000), [&] { ++ran; }));
        if (random() % 2 == 0) taken_back += handles[random() % handles.size()].cancel();
      }
    });
  }
  for (auto& user : users) user.join();
  const int64_t patience = deadline_after(patience_ns);
  while (tested->size() > 0) ASSERT_LT(monotonic_ns(), patience);
  settle();
  EXPECT_EQ(ran + taken_back, threads * each);
  EXPECT_GT(taken_back, 0);
}

}  // namespace
}  // namespace fasterapi::core
