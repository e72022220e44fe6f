#include "core/thread.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "core/failing_threads.h"
#include "fasterapi/core/timer.h"

namespace fasterapi::core {
namespace {

std::string name_of_current() {
  std::array<char, 16> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  return name.data();
}

TEST(Thread, RunsItsWorkUnderItsName) {
  std::string name;
  auto started = thread::start("tester", [&] { name = name_of_current(); });
  ASSERT_TRUE(started.ok());
  thread tested = started.take();
  EXPECT_TRUE(tested.joinable());
  EXPECT_FALSE(tested.is_current());
  tested.join();
  EXPECT_FALSE(tested.joinable());
  EXPECT_EQ(name, "tester");
}

TEST(Thread, CutsALongName) {
  std::string first, second;
  auto started = thread::start("a-name-of-more-than-fifteen", [&] {
    first = name_of_current();
    thread::name_current("another-name-that-is-long");
    second = name_of_current();
  });
  ASSERT_TRUE(started.ok());
  started.value().join();
  EXPECT_EQ(first, "a-name-of-more-");
  EXPECT_EQ(second, "another-name-th");
}

TEST(Thread, DestroysItsWorkBeforeItIsJoined) {
  const auto held = std::make_shared<int>(0);
  auto started = thread::start("tester", [held] {});
  ASSERT_TRUE(started.ok());
  started.value().join();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Thread, IsMoved) {
  thread to;
  auto started = thread::start("tester", [] {});
  ASSERT_TRUE(started.ok());
  to = started.take();
  EXPECT_TRUE(to.joinable());
  thread last(std::move(to));
  EXPECT_FALSE(to.joinable());  // NOLINT(bugprone-use-after-move): that is what is tested
  last.join();
}

TEST(Thread, KnowsItself) {
  std::atomic<bool> may_look = false;
  bool was_current = false;
  thread tested;
  auto started = thread::start("tester", [&] {
    may_look.wait(false);
    was_current = tested.is_current();
  });
  ASSERT_TRUE(started.ok());
  tested = started.take();
  may_look = true;
  may_look.notify_one();
  EXPECT_FALSE(tested.is_current());
  tested.join();
  EXPECT_TRUE(was_current);
}

TEST(Thread, GoesOnWhenItIsDetached) {
  std::atomic<int> stage = 0;
  auto started = thread::start("tester", [&] {
    stage.wait(0);
    stage = 2;
    stage.notify_one();
  });
  ASSERT_TRUE(started.ok());
  started.value().detach();
  EXPECT_FALSE(started.value().joinable());
  stage = 1;
  stage.notify_one();
  stage.wait(1);
  EXPECT_EQ(stage, 2);
}

TEST(Thread, AShortageIsAnError) {
  const auto held = std::make_shared<int>(0);
  {
    const thread_shortage none;
    const auto refused = thread::start("tester", [held] {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.failure().code, std::errc::resource_unavailable_try_again);
    EXPECT_NE(refused.failure().message.find("the thread tester cannot be started"), std::string::npos);
    EXPECT_NE(refused.failure().message.find("; this process has 1."), std::string::npos) << refused.failure().message;
    for (const char* limit : {"RLIMIT_NPROC", "pids.max"}) {
      EXPECT_NE(refused.failure().message.find(limit), std::string::npos) << refused.failure().message;
    }
  }
  EXPECT_EQ(held.use_count(), 1);
  auto started = thread::start("tester", [] {});
  ASSERT_TRUE(started.ok());
  started.value().join();
}

TEST(Thread, ATimerIsNotMadeWithoutOne) {
  const thread_shortage none;
  EXPECT_FALSE(timer::create().ok());
}

}  // namespace
}  // namespace fasterapi::core
