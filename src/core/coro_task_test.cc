#include "fasterapi/core/coro_task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "core/sample_values.h"
#include "fasterapi/core/awaitable_future.h"
#include "fasterapi/core/errc.h"
#include "fasterapi/core/spawn.h"
#include "fasterapi/core/sync_wait.h"

namespace fasterapi::core {
namespace {

constexpr int million = 1'000'000;

template <typename T>
class CoroTaskOf : public testing::Test {
 protected:
  static bool is(result<T> made, int seed) { return made.ok() && sample<T>::is(made.value(), seed); }
};
TYPED_TEST_SUITE(CoroTaskOf, sample_types);

template <typename T>
coro_task<T> give(int seed) {
  co_return sample<T>::make(seed);
}

template <typename T>
coro_task<T> fail() {
  co_return plain_error(errc::queue_full);
}

template <typename T>
coro_task<T> pass_on(coro_task<T> inner) {
  CO_TRY(T value, co_await std::move(inner));
  co_return std::move(value);
}

template <typename T>
coro_task<T> pass_on_result(coro_task<T> inner) {
  co_return co_await std::move(inner);
}

TYPED_TEST(CoroTaskOf, ReturnsValues) {
  EXPECT_TRUE(this->is(sync_wait(give<TypeParam>(3)), 3));
  EXPECT_TRUE(this->is(sync_wait(pass_on(pass_on(give<TypeParam>(4)))), 4));
  EXPECT_TRUE(this->is(sync_wait(pass_on_result(give<TypeParam>(5))), 5));
}

TYPED_TEST(CoroTaskOf, ReturnsErrors) {
  EXPECT_EQ(sync_wait(fail<TypeParam>()).failure().code, errc::queue_full);
  EXPECT_EQ(sync_wait(pass_on(pass_on(fail<TypeParam>()))).failure().code, errc::queue_full);
  EXPECT_EQ(sync_wait(pass_on_result(fail<TypeParam>())).failure().code, errc::queue_full);
}

TYPED_TEST(CoroTaskOf, EndsAsAFuture) { EXPECT_TRUE(this->is(spawn(pass_on(give<TypeParam>(6))).get(), 6)); }

coro_task<nothing> count_up(int& calls) {
  ++calls;
  co_return nothing{};
}

TEST(CoroTask, RunsWhenItIsAwaited) {
  int calls = 0;
  coro_task<nothing> work = count_up(calls);
  EXPECT_TRUE(work.valid());
  EXPECT_EQ(calls, 0);
  coro_task<nothing> moved = std::move(work);
  EXPECT_FALSE(work.valid());  // NOLINT(bugprone-use-after-move): what it promises
  EXPECT_TRUE(sync_wait(std::move(moved)).ok());
  EXPECT_EQ(calls, 1);
}

coro_task<int> keep(std::shared_ptr<int> held) { co_return *held; }

TEST(CoroTask, DestroysWhatItNeverRan) {
  auto held = std::make_shared<int>(1);
  {
    coro_task<int> never = keep(held);
    EXPECT_EQ(held.use_count(), 2);
    never = keep(held);
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

coro_task<int> wait_for(future<int> source, std::shared_ptr<int> held) {
  CO_TRY(const int number, co_await make_awaitable(std::move(source)));
  co_return number + *held;
}
coro_task<int> wait_below(int depth, future<int> source, std::shared_ptr<int> held) {
  if (depth == 0) co_return co_await wait_for(std::move(source), std::move(held));
  co_return co_await wait_below(depth - 1, std::move(source), std::move(held));
}

// Owns a coroutine that it has begun, and can destroy it while it is suspended.
struct begun {
  struct promise_type {
    begun get_return_object() { return begun{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::abort(); }
  };
  std::coroutine_handle<promise_type> coroutine;
};
begun begin(coro_task<int> work, int& out) {
  auto made = co_await std::move(work);
  out = made.ok() ? made.value() : -1;
}

TEST(CoroTask, DestroysWhatIsSuspended) {
  auto held = std::make_shared<int>(1);
  for (const int depth : {0, 1, 5}) {
    promise<int> source;
    int out = 0;
    begun started = begin(wait_below(depth, source.get_future(), held), out);
    EXPECT_GT(held.use_count(), 1);
    started.coroutine.destroy();
    EXPECT_EQ(held.use_count(), 1);
    // Nobody waits any more.
    EXPECT_TRUE(source.set(1));
    EXPECT_EQ(out, 0);
  }
}

TEST(CoroTask, DestroysADeepSuspendedChainWithoutStack) {
  auto held = std::make_shared<int>(1);
  promise<int> source;
  int out = 0;
  begun started = begin(wait_below(million / 4, source.get_future(), held), out);
  started.coroutine.destroy();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_TRUE(source.set(1));
}

TEST(CoroTask, GoesOnWhereItIsUsedByACoroutineOfAnotherKind) {
  promise<int> source;
  int out = 0;
  begun started = begin(wait_below(3, source.get_future(), std::make_shared<int>(1)), out);
  source.set(41);
  EXPECT_EQ(out, 42);
  EXPECT_TRUE(started.coroutine.done());
  started.coroutine.destroy();
}

coro_task<int> one() { co_return 1; }
coro_task<int> add_in_a_loop(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    CO_TRY(const int number, co_await one());
    sum += number;
  }
  co_return sum;
}

TEST(CoroTask, AMillionAwaitsInALoopNeedNoStack) { EXPECT_EQ(sync_wait(add_in_a_loop(million)).value(), million); }

coro_task<int> add_in_depth(int depth) {
  if (depth == 0) co_return 0;
  CO_TRY(const int below, co_await add_in_depth(depth - 1));
  co_return below + 1;
}

TEST(CoroTask, AMillionNestedAwaitsNeedNoStack) { EXPECT_EQ(sync_wait(add_in_depth(million)).value(), million); }

TEST(CoroTask, AMillionSuspendedAwaitsNeedNoStack) {
  promise<int> source;
  auto sum = spawn(wait_below(million / 4, source.get_future(), std::make_shared<int>(1)));
  EXPECT_FALSE(sum.ready());
  source.set(1);
  EXPECT_EQ(sum.get().value(), 2);
}

coro_task<int> block_inside(int depth) {
  if (depth == 0) co_return 0;
  co_return sync_wait(block_inside(depth - 1)).value() + 1;
}
coro_task<int> spawn_inside() {
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    auto other = spawn(add_in_a_loop(10));
    EXPECT_TRUE(other.ready());
    CO_TRY(const int number, co_await make_awaitable(std::move(other)));
    sum += number;
  }
  co_return sum;
}

TEST(CoroTask, MayRunOthersFromInside) {
  EXPECT_EQ(sync_wait(block_inside(10)).value(), 10);
  EXPECT_EQ(sync_wait(spawn_inside()).value(), 30);
}

TEST(Spawn, StartsOnAnExecutor) {
  manual_executor where;
  auto sum = spawn(where, add_in_a_loop(3));
  EXPECT_FALSE(sum.ready());
  where.run();
  EXPECT_EQ(sum.get().value(), 3);
}

TEST(Spawn, IsBrokenByAnExecutorThatRefusesOrDrops) {
  auto held = std::make_shared<int>(1);
  manual_executor where;
  auto dropped = spawn(where, keep(held));
  where.close();
  auto refused = spawn(where, keep(held));
  EXPECT_EQ(dropped.get().failure().code, errc::broken_promise);
  EXPECT_EQ(refused.get().failure().code, errc::broken_promise);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Spawn, GoesOnWhenItsFutureIsDropped) {
  promise<int> source;
  auto held = std::make_shared<int>(1);
  { auto dropped = spawn(wait_for(source.get_future(), held)); }
  EXPECT_EQ(held.use_count(), 2);
  source.set(1);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace fasterapi::core
