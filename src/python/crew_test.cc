#include "python/crew.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/cpus.h"
#include "fasterapi/core/errc.h"
#include "fasterapi/core/future.h"
#include "python/counted_job.h"
#include "python/shaky_pool.h"

namespace fasterapi::python {
namespace {

TEST(HelpOrder, BeginsWithTheNextOnTheOwnNode) {
  EXPECT_EQ(help_order(1, 4, 1), (std::vector<size_t>{2, 3, 0}));
  EXPECT_EQ(help_order(0, 6, 2), (std::vector<size_t>{2, 4, 1, 3, 5}));
  EXPECT_EQ(help_order(3, 6, 2), (std::vector<size_t>{5, 1, 4, 0, 2}));
  EXPECT_EQ(help_order(0, 1, 1), std::vector<size_t>());
}

TEST(HelpOrder, LetsPooledPositionsHelpAllPinnedOnes) {
  EXPECT_EQ(help_order(3, 3, 1), (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(help_order(5, 4, 2), (std::vector<size_t>{1, 3, 2, 0}));
}

// Tells the CPUs that it may run on.
class affinity_job final : public counted_job {
 public:
  explicit affinity_job(core::promise<std::vector<int>> to) : to_(std::move(to)) {}
  bool run(const gil&, place&) noexcept override {
    cpus_ = core::allowed_cpus();
    return true;
  }
  void publish() noexcept override { to_.set(std::move(cpus_)); }
  void abandon(core::error why) noexcept override { to_.set(std::move(why)); }

 private:
  core::promise<std::vector<int>> to_;
  std::vector<int> cpus_;
};

std::vector<int> cpus_at(crew& of, size_t position) {
  core::promise<std::vector<int>> told;
  auto future = told.get_future();
  auto* work = new affinity_job(std::move(told));
  EXPECT_TRUE(of.submit(*work, destination::position(position), when_full::fail).ok());
  return future.get().take();
}

TEST(Crew, KeepsThreadsToTheirNode) {
  const std::vector<int> cpus = core::allowed_cpus();
  if (cpus.size() < 2) GTEST_SKIP() << "one CPU has no second node";
  crew_plan plan;
  plan.pinned = 4;
  plan.numa_aware = true;
  plan.machine.nodes = {{cpus[0]}, {cpus[1]}};
  auto launched = crew::launch(plan);
  ASSERT_TRUE(launched.ok());
  const auto team = launched.take();
  ASSERT_TRUE(team->await_ready().ok());
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(cpus_at(*team, i), std::vector<int>{cpus[i % 2]});
  EXPECT_TRUE(team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(Crew, PutsAFreshInterpreterInThePlaceOfOneThatIsNotToGoOn) {
  shaky_pool pool(1, true, 1'000'000, 0, 0);
  const int64_t before = interpreter_in_pool(*pool.team).get().take();
  EXPECT_TRUE(pool.team->renew(0, before + 1));
  EXPECT_EQ(interpreter_in_pool(*pool.team).get().take(), before) << "it was another one that was meant";
  EXPECT_TRUE(pool.team->renew(0, before));
  EXPECT_TRUE(pool.team->renew(0, before));
  const int64_t after = interpreter_in_pool(*pool.team).get().take();
  EXPECT_NE(after, before);
  EXPECT_EQ(interpreter_in_pool(*pool.team).get().take(), after);
  EXPECT_EQ(pool.team->stats().replaced, 1U);
  while (pool.team->stats().stuck != 0) std::this_thread::yield();  // its threads were asleep
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(Crew, TriesToReplaceAnInterpreterUntilItCan) {
  shaky_pool pool(1, true, 1'000'000, 2, 4);
  const int64_t before = interpreter_in_pool(*pool.team).get().take();
  gate stuck;
  stuck.occupy(*pool.team);
  auto fresh = interpreter_in_pool(*pool.team).get();
  ASSERT_TRUE(fresh.ok()) << fresh.failure().message;
  EXPECT_NE(fresh.value(), before);
  EXPECT_EQ(pool.told, (std::vector<std::string>{"", "not today", "not today", "not today", ""}));
  EXPECT_EQ(pool.team->stats().replaced, 1U);
  stuck.let_go();
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(Crew, LetsTheSleepingThreadsOfAStuckInterpreterGo) {
  shaky_pool pool(1, false, 0, 0, 0, 3);
  gate stuck;
  stuck.occupy(*pool.team);
  EXPECT_TRUE(interpreter_in_pool(*pool.team).get().ok());
  EXPECT_EQ(pool.team->stats().stuck, 1U);
  stuck.let_go();
  while (pool.team->stats().stuck != 0) std::this_thread::yield();
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

TEST(Crew, LetsAnInterpreterFinishThoughItsPatienceForWorkIsOver) {
  crew_plan plan;
  plan.pooled_threads = plan.pooled_interpreters = 1;
  plan.stuck_after_ns = 1'000'000;
  plan.finish_patience_ns = 60'000'000'000;
  plan.finish = [&plan](const gil&, place&) {
    const int64_t until_ns = core::monotonic_ns() + 50 * plan.stuck_after_ns;
    while (core::monotonic_ns() < until_ns) std::this_thread::yield();
  };
  const auto team = crew::launch(plan).take();
  ASSERT_TRUE(team->await_ready().ok());
  EXPECT_TRUE(team->shut_down(shutdown_mode::cancel, 0).ok());
}

TEST(Crew, EndsAtOnceWhileItWaitsToTryAgain) {
  constexpr int64_t hour_ns = 3'600'000'000'000;
  shaky_pool pool(2, true, hour_ns, 3, 1000);
  gate stuck;
  stuck.occupy(*pool.team);
  while (pool.told_count < 3) std::this_thread::yield();
  EXPECT_TRUE(interpreter_in_pool(*pool.team).get().ok()) << "the other interpreter goes on";
  stuck.let_go();
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::cancel, -1).ok());
  EXPECT_EQ(pool.told, (std::vector<std::string>{"", "", "not today"}));
}

TEST(Crew, GivesAPositionUpWhereItIsNotToTryAgain) {
  shaky_pool pool(1, false, 0, 2, 2);
  gate stuck;
  stuck.occupy(*pool.team);
  const auto lost = interpreter_in_pool(*pool.team).get();
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.failure().message, "not today");
  stuck.let_go();
  EXPECT_TRUE(pool.team->shut_down(shutdown_mode::drain, -1).ok());
}

}  // namespace
}  // namespace fasterapi::python
