// What executors do while the system has no threads to give.

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/failing_threads.h"
#include "fasterapi/python/executor.h"
#include "python/python_environment.h"
#include "python/shaky_pool.h"

namespace fasterapi::python {
namespace {

using core::thread_shortage;

bool tells_of_threads(const core::error& failure) {
  return failure.message.find("cannot be started: Resource temporarily unavailable") != std::string::npos;
}

TEST(ThreadShortage, AnExecutorHasAllItsThreadsOrIsNotMade) {
  SubinterpreterExecutor::Config settings;
  settings.num_pinned_workers = 2;
  settings.num_pooled_workers = 5;
  settings.num_pooled_interpreters = 2;
  for (int count = 0; count < 7; ++count) {
    const thread_shortage few(count);
    const auto made = SubinterpreterExecutor::create(settings);
    ASSERT_FALSE(made.ok()) << count;
    EXPECT_TRUE(tells_of_threads(made.failure())) << made.failure().message;
  }
  const thread_shortage enough(7);
  const auto made = SubinterpreterExecutor::create(settings);
  ASSERT_TRUE(made.ok()) << made.failure().message;
}

TEST(ThreadShortage, SoHasOneOfTheMainInterpreter) {
  PythonExecutor::Config settings;
  settings.num_workers = 3;
  settings.use_subinterpreters = false;
  for (int count = 0; count < 3; ++count) {
    const thread_shortage few(count);
    const auto made = PythonExecutor::create(settings);
    ASSERT_FALSE(made.ok()) << count;
    EXPECT_TRUE(tells_of_threads(made.failure())) << made.failure().message;
  }
  const thread_shortage enough(3);
  EXPECT_TRUE(PythonExecutor::create(settings).ok());
}

TEST(ThreadShortage, AJobWithADeadlineThatNobodyWouldWatchIsRefused) {
  SubinterpreterExecutor::Config settings;
  settings.num_pinned_workers = 1;
  auto made = SubinterpreterExecutor::create(settings);
  ASSERT_TRUE(made.ok());
  submit_options bounded;
  bounded.timeout_ns = 60'000'000'000;
  const auto nothing = [](const gil&) { return 1; };
  {
    const thread_shortage none;
    auto refused = made.value()->submit(nothing, bounded).get();
    ASSERT_FALSE(refused.ok());
    EXPECT_TRUE(tells_of_threads(refused.failure())) << refused.failure().message;
    EXPECT_TRUE(made.value()->submit(nothing).get().ok()) << "it has no deadline";
  }
  EXPECT_TRUE(made.value()->submit(nothing, bounded).get().ok());
  EXPECT_EQ(made.value()->stats().queued, 0U);
}

// The watchdog of a crew starts with the first job that has a deadline, if not before.
void start_watchdog(crew& of) {
  gate open;
  open.let_go();
  open.occupy(of);
  while (!open.gone) std::this_thread::yield();
}

TEST(ThreadShortage, AStuckInterpreterIsReplacedOnceThereAreThreads) {
  shaky_pool pool(1, true, 1'000'000, 0, 0, 2);
  const int64_t before = interpreter_in_pool(*pool.team).get().take();
  start_watchdog(*pool.team);
  gate stuck;
  auto shortage = std::make_unique<thread_shortage>();
  stuck.occupy(*pool.team);
  auto waits = interpreter_in_pool(*pool.team);
  const size_t told = pool.told_count;
  while (pool.told_count < told + 3) std::this_thread::yield();
  {
    const std::lock_guard lock(pool.mutex);
    EXPECT_NE(pool.told.back().find("the thread pooled-0 cannot be started"), std::string::npos) << pool.told.back();
  }
  EXPECT_FALSE(waits.wait_for(0));
  shortage.reset();
  auto after = waits.get();
  ASSERT_TRUE(after.ok()) << after.failure().message;
  EXPECT_NE(after.value(), before);
  stuck.let_go();
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(ThreadShortage, AStuckInterpreterWhoseCodeEndsMeanwhileGoesOn) {
  shaky_pool pool(1, true, 1'000'000, 0, 0);
  const int64_t before = interpreter_in_pool(*pool.team).get().take();
  start_watchdog(*pool.team);
  const thread_shortage none;
  gate stuck;
  stuck.occupy(*pool.team);
  while (pool.told_count < 2) std::this_thread::yield();
  stuck.let_go();
  EXPECT_EQ(interpreter_in_pool(*pool.team).get().take(), before);
  EXPECT_EQ(pool.team->stats().replaced, 0U);
  EXPECT_EQ(pool.team->stats().stuck, 0U);
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(ThreadShortage, ARenewalThatFailedIsToBeAskedForAgain) {
  shaky_pool pool(1, true, 1'000'000, 0, 0);
  const int64_t before = interpreter_in_pool(*pool.team).get().take();
  {
    const thread_shortage none;
    EXPECT_FALSE(pool.team->renew(0, before));
    EXPECT_EQ(interpreter_in_pool(*pool.team).get().take(), before);
  }
  while (!pool.team->renew(0, before)) std::this_thread::yield();
  EXPECT_NE(interpreter_in_pool(*pool.team).get().take(), before);
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

// The fresh interpreter gets its first thread, and not its second, several times.
TEST(ThreadShortage, AReplacementWaitsForAllItsThreads) {
  shaky_pool pool(1, true, 1'000'000, 0, 0, 2);
  const int64_t before = interpreter_in_pool(*pool.team).get().take();
  auto shortage = std::make_unique<thread_shortage>(1);
  ASSERT_TRUE(pool.team->renew(0, before));
  auto waits = interpreter_in_pool(*pool.team);
  while (pool.told_count < 3) std::this_thread::yield();
  EXPECT_FALSE(waits.wait_for(0));
  shortage.reset();
  EXPECT_NE(waits.get().take(), before);
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(ThreadShortage, AnExecutorEndsInTheMidstOfOne) {
  shaky_pool pool(2, true, 1'000'000, 0, 0, 2);
  gate stuck;
  stuck.occupy(*pool.team);
  const thread_shortage none;
  stuck.let_go();
  EXPECT_TRUE(interpreter_in_pool(*pool.team).get().ok());
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, 60'000'000'000).ok());
}

}  // namespace
}  // namespace fasterapi::python
