#include "fasterapi/core/awaitable_future.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <memory>
#include <thread>
#include <utility>

#include "core/sample_values.h"
#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/errc.h"
#include "fasterapi/core/spawn.h"
#include "fasterapi/core/sync_wait.h"

namespace fasterapi::core {
namespace {

template <typename T>
coro_task<T> await_it(future<T> source) {
  co_return co_await make_awaitable(std::move(source));
}
template <typename T>
coro_task<T> await_on(future<T> source, executor& where, std::thread::id* resumed_by = nullptr) {
  auto made = co_await make_awaitable(std::move(source), where);
  if (resumed_by != nullptr) *resumed_by = std::this_thread::get_id();
  co_return made;
}
template <typename T>
coro_task<T> await_with(future<T> source, cancel_token token) {
  co_return co_await make_awaitable(std::move(source), std::move(token));
}
template <typename T>
coro_task<T> await_on_with(future<T> source, executor& where, cancel_token token) {
  co_return co_await make_awaitable(std::move(source), where, std::move(token));
}

template <typename T>
class AwaitableFutureOf : public testing::Test {
 protected:
  static bool is(result<T> made) { return made.ok() && sample<T>::is(made.value(), 7); }
  static T value() { return sample<T>::make(7); }

  promise<T> made;
  manual_executor where;
  cancel_source source;
};
TYPED_TEST_SUITE(AwaitableFutureOf, sample_types);

TYPED_TEST(AwaitableFutureOf, GivesWhatIsThere) {
  EXPECT_TRUE(this->is(sync_wait(await_it(make_ready_future(this->value())))));
}

TYPED_TEST(AwaitableFutureOf, GoesOnWhereTheResultIsBrought) {
  auto tested = spawn(await_it(this->made.get_future()));
  EXPECT_FALSE(tested.ready());
  this->made.set(this->value());
  EXPECT_TRUE(tested.ready());
  EXPECT_TRUE(this->is(tested.get()));
}

TYPED_TEST(AwaitableFutureOf, WaitsForAnotherThread) {
  auto source = this->made.get_future();
  std::thread maker([&] { this->made.set(this->value()); });
  EXPECT_TRUE(this->is(sync_wait(await_it(std::move(source)))));
  maker.join();
}

TYPED_TEST(AwaitableFutureOf, GivesErrors) {
  auto tested = spawn(await_it(this->made.get_future()));
  { auto gone = std::move(this->made); }
  EXPECT_EQ(tested.get().failure().code, errc::broken_promise);
}

TYPED_TEST(AwaitableFutureOf, GoesOnOnTheExecutor) {
  std::thread::id resumed_by;
  auto tested = spawn(await_on(this->made.get_future(), this->where, &resumed_by));
  std::thread([&] { this->made.set(this->value()); }).join();
  EXPECT_FALSE(tested.ready());
  EXPECT_EQ(this->where.run(), 1U);
  EXPECT_TRUE(this->is(tested.get()));
  EXPECT_EQ(resumed_by, std::this_thread::get_id());
}

TYPED_TEST(AwaitableFutureOf, GoesOnOnTheExecutorAlsoWithWhatIsThere) {
  auto tested = spawn(await_on(make_ready_future(this->value()), this->where));
  EXPECT_FALSE(tested.ready());
  this->where.run();
  EXPECT_TRUE(this->is(tested.get()));
}

TYPED_TEST(AwaitableFutureOf, AnExecutorThatRefusesIsAnError) {
  this->where.close();
  auto tested = spawn(await_on(this->made.get_future(), this->where));
  this->made.set(this->value());
  EXPECT_EQ(tested.get().failure().code, errc::broken_promise);
}

TYPED_TEST(AwaitableFutureOf, AnExecutorThatDropsIsAnError) {
  auto tested = spawn(await_on(this->made.get_future(), this->where));
  this->made.set(this->value());
  this->where.close();
  EXPECT_EQ(tested.get().failure().code, errc::broken_promise);
}

TYPED_TEST(AwaitableFutureOf, ATokenCancelsTheFuture) {
  auto tested = spawn(await_with(this->made.get_future(), this->source.token()));
  EXPECT_FALSE(tested.ready());
  this->source.cancel();
  EXPECT_EQ(tested.get().failure().code, errc::cancelled);
  EXPECT_TRUE(this->made.cancelled());
}

TYPED_TEST(AwaitableFutureOf, ATokenThatWasCancelledCancelsTheFuture) {
  this->source.cancel();
  auto tested = spawn(await_with(this->made.get_future(), this->source.token()));
  EXPECT_EQ(tested.get().failure().code, errc::cancelled);
}

TYPED_TEST(AwaitableFutureOf, ATokenCancelsTheFutureAndTheExecutorGoesOn) {
  auto tested = spawn(await_on_with(this->made.get_future(), this->where, this->source.token()));
  this->source.cancel();
  EXPECT_FALSE(tested.ready());
  this->where.run();
  EXPECT_EQ(tested.get().failure().code, errc::cancelled);
}

TYPED_TEST(AwaitableFutureOf, ATokenThatIsNotCancelledChangesNothing) {
  auto tested = spawn(await_with(this->made.get_future(), this->source.token()));
  this->made.set(this->value());
  EXPECT_TRUE(this->is(tested.get()));
  this->source.cancel();
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
begun begin(coro_task<int> work) { static_cast<void>(co_await std::move(work)); }

TEST(AwaitableFuture, MayBeDestroyedBeforeItsExecutorGoesOn) {
  manual_executor where;
  cancel_source source;
  for (const bool with_result : {false, true}) {
    promise<int> made;
    begun started = begin(await_on_with(made.get_future(), where, source.token()));
    if (with_result) made.set(1);
    started.coroutine.destroy();
    if (!with_result) made.set(1);
    EXPECT_EQ(where.run(), 1U);
  }
  EXPECT_TRUE(source.cancel());
}

TEST(AwaitableFuture, MayBeDestroyedWhileItWaits) {
  cancel_source source;
  promise<int> made;
  begun started = begin(await_with(made.get_future(), source.token()));
  started.coroutine.destroy();
  source.cancel();
  EXPECT_FALSE(made.cancelled());
  EXPECT_TRUE(made.set(1));
}

coro_task<int> await_three(future<int> one, future<int> two, future<int> three) {
  auto first = make_awaitable(std::move(one));
  CO_TRY(const int a, co_await first);
  CO_TRY(const int b, co_await make_awaitable(std::move(two)));
  CO_TRY(const int c, co_await make_awaitable(std::move(three)));
  co_return a + b + c;
}

TEST(AwaitableFuture, SeveralAreAwaitedInAnyOrder) {
  promise<int> one;
  promise<int> two;
  promise<int> three;
  auto sum = spawn(await_three(one.get_future(), two.get_future(), three.get_future()));
  three.set(3);
  one.set(1);
  EXPECT_FALSE(sum.ready());
  two.set(2);
  EXPECT_EQ(sum.get().value(), 6);
}

coro_task<int> await_many(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    CO_TRY(const int number, co_await make_awaitable(make_ready_future(1)));
    sum += number;
  }
  co_return sum;
}

TEST(AwaitableFuture, AMillionReadyOnesNeedNoStack) { EXPECT_EQ(sync_wait(await_many(1'000'000)).value(), 1'000'000); }

}  // namespace
}  // namespace fasterapi::core
