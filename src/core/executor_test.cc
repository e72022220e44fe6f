#include "fasterapi/core/executor.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/sample_values.h"
#include "fasterapi/core/futex.h"

namespace fasterapi::core {
namespace {

TEST(InlineExecutor, RunsAtOnce) {
  inline_executor tested;
  int calls = 0;
  EXPECT_TRUE(tested.post([&] { ++calls; }));
  EXPECT_EQ(calls, 1);
}

TEST(ManualExecutor, RunsInOrderWhenAsked) {
  manual_executor tested;
  std::vector<int> seen;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(tested.post([&seen, i] { seen.push_back(i); }));
  }
  EXPECT_TRUE(seen.empty());
  EXPECT_TRUE(tested.run_one());
  EXPECT_EQ(seen, (std::vector{0}));
  EXPECT_EQ(tested.size(), 2U);
  EXPECT_EQ(tested.run(), 2U);
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
  EXPECT_FALSE(tested.run_one());
}

TEST(ManualExecutor, RunsWhatItsTasksPost) {
  manual_executor tested;
  int calls = 0;
  tested.post([&] { tested.post([&] { ++calls; }); });
  EXPECT_EQ(tested.run(), 2U);
  EXPECT_EQ(calls, 1);
}

TEST(ManualExecutor, WaitsForAnotherThread) {
  manual_executor tested;
  bool ran = false;
  std::thread poster([&] { tested.post([&] { ran = true; }); });
  EXPECT_TRUE(tested.run_one_until(deadline_after(patience_ns)));
  EXPECT_TRUE(ran);
  poster.join();
  EXPECT_FALSE(tested.run_one_until(deadline_after(1'000'000)));
}

TEST(ManualExecutor, DropsItsWorkWhenItIsClosed) {
  auto held = std::make_shared<int>(1);
  manual_executor tested;
  tested.post([held] { static_cast<void>(held); });
  EXPECT_EQ(held.use_count(), 2);
  tested.close();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(tested.post([held] { static_cast<void>(held); }));
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(tested.run_one_until(no_deadline));
}

}  // namespace
}  // namespace fasterapi::core
