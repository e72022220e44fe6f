#include "python/crew.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/cpus.h"
#include "fasterapi/core/future.h"
#include "python/counted_job.h"

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

}  // namespace
}  // namespace fasterapi::python
