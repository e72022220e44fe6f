#include "fasterapi/core/cancel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/sample_values.h"
#include "fasterapi/core/executor.h"
#include "fasterapi/core/future.h"

namespace fasterapi::core {
namespace {

TEST(CancelToken, WithoutASourceIsNeverCancelled) {
  const cancel_token token;
  EXPECT_FALSE(token.cancelled());
  EXPECT_FALSE(token.can_be_cancelled());
  const cancel_callback never(token, [] { FAIL(); });
}

TEST(CancelSource, CancelsItsTokensOnce) {
  cancel_source source;
  const cancel_token token = source.token();
  EXPECT_TRUE(token.can_be_cancelled());
  EXPECT_FALSE(token.cancelled());
  EXPECT_TRUE(source.cancel());
  EXPECT_FALSE(source.cancel());
  EXPECT_TRUE(source.cancelled());
  EXPECT_TRUE(token.cancelled());
}

TEST(CancelSource, MayGoBeforeItsTokens) {
  cancel_token token;
  {
    cancel_source source;
    token = source.token();
  }
  EXPECT_FALSE(token.cancelled());
}

TEST(CancelCallback, IsCalledInTheOrderOfRegistration) {
  cancel_source source;
  std::vector<int> calls;
  const cancel_callback first(source.token(), [&] { calls.push_back(1); });
  std::optional<cancel_callback> second;
  second.emplace(source.token(), [&] { calls.push_back(2); });
  const cancel_callback third(source.token(), [&] { calls.push_back(3); });
  second.reset();
  source.cancel();
  EXPECT_EQ(calls, (std::vector{1, 3}));
}

TEST(CancelCallback, IsCalledAtOnceWhereItComesLate) {
  cancel_source source;
  source.cancel();
  int calls = 0;
  const cancel_callback late(source.token(), [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CancelCallback, MayDestroyItselfAndOthers) {
  cancel_source source;
  auto held = std::make_shared<int>(1);
  std::optional<cancel_callback> first;
  std::optional<cancel_callback> second;
  first.emplace(source.token(), [&, held] {
    first.reset();
    second.reset();
    EXPECT_EQ(*held, 1);
  });
  second.emplace(source.token(), [] { FAIL(); });
  EXPECT_TRUE(source.cancel());
  EXPECT_FALSE(first.has_value());
  EXPECT_EQ(held.use_count(), 1);
}

TEST(CancelCallback, MayRegisterOthers) {
  cancel_source source;
  int calls = 0;
  std::optional<cancel_callback> inner;
  const cancel_callback outer(source.token(), [&] { inner.emplace(source.token(), [&] { ++calls; }); });
  source.cancel();
  EXPECT_EQ(calls, 1);
}

TEST(CancelCallback, MayDestroyTheSource) {
  auto source = std::make_unique<cancel_source>();
  const cancel_callback last(source->token(), [&] { source.reset(); });
  source->cancel();
  EXPECT_EQ(source, nullptr);
}

TEST(CancelCallback, ItsEndWaitsForTheCall) {
  cancel_source source;
  promise<nothing> entered;
  promise<nothing> leave;
  future<nothing> may_leave = leave.get_future();
  future<nothing> is_entered = entered.get_future();
  std::atomic<bool> left = false;
  std::optional<cancel_callback> tested;
  tested.emplace(source.token(), [&] {
    entered.set(nothing{});
    may_leave.wait();
    left = true;
  });
  std::thread canceller([&] { source.cancel(); });
  is_entered.wait();
  std::thread helper([&] { leave.set(nothing{}); });
  tested.reset();
  EXPECT_TRUE(left);
  helper.join();
  canceller.join();
}

// Registers and deregisters while another thread cancels: after the end of a callback, it is not called.
TEST(CancelCallback, IsNotCalledAfterItsEnd) {
  for (int round = 0; round < 300; ++round) {
    cancel_source source;
    std::atomic<bool> start = false;
    std::thread canceller([&] {
      while (!start) std::this_thread::yield();
      source.cancel();
    });
    start = true;
    for (int i = 0; i < 10; ++i) {
      auto alive = std::make_unique<int>(0);
      std::optional<cancel_callback> tested;
      tested.emplace(source.token(), [&] { ++*alive; });
      tested.reset();
      const int calls = *alive;
      EXPECT_LE(calls, 1);
      alive.reset();
    }
    canceller.join();
  }
}

}  // namespace
}  // namespace fasterapi::core
