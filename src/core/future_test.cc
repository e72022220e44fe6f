#include "fasterapi/core/future.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "core/clock.h"
#include "core/sample_values.h"
#include "fasterapi/core/errc.h"

namespace fasterapi::core {
namespace {

template <typename T>
class FutureOf : public testing::Test {
 protected:
  static T value(int seed = 7) { return sample<T>::make(seed); }
  static bool is(result<T> made, int seed = 7) { return made.ok() && sample<T>::is(made.value(), seed); }
  static std::error_code why(result<T> made) { return made.ok() ? std::error_code() : made.failure().code; }

  promise<T> made;
  future<T> tested = made.get_future();
};
TYPED_TEST_SUITE(FutureOf, sample_types);

TYPED_TEST(FutureOf, GivesWhatWasSetBefore) {
  EXPECT_FALSE(this->tested.ready());
  EXPECT_TRUE(this->made.set(this->value()));
  EXPECT_FALSE(this->made.valid());
  EXPECT_TRUE(this->tested.ready());
  EXPECT_TRUE(this->is(this->tested.get()));
  EXPECT_FALSE(this->tested.valid());
}

TYPED_TEST(FutureOf, GivesWhatAnotherThreadSets) {
  std::thread maker([this] { this->made.set(this->value()); });
  EXPECT_TRUE(this->is(this->tested.get()));
  maker.join();
}

TYPED_TEST(FutureOf, GivesErrors) {
  this->made.set(plain_error(errc::queue_full));
  EXPECT_EQ(this->why(this->tested.get()), errc::queue_full);
}

TYPED_TEST(FutureOf, WaitsNoLongerThanItWasTold) {
  EXPECT_FALSE(this->tested.wait_for(1'000'000));
  EXPECT_FALSE(this->tested.wait_for(0));
  EXPECT_FALSE(this->tested.wait_until(monotonic_ns() - 1));
  std::thread maker([this] { this->made.set(this->value()); });
  EXPECT_TRUE(this->tested.wait_for(patience_ns));
  maker.join();
  EXPECT_TRUE(this->is(this->tested.get()));
}

TYPED_TEST(FutureOf, OutlivesItsPromise) {
  { promise<TypeParam> gone = std::move(this->made); }
  EXPECT_EQ(this->why(this->tested.get()), errc::broken_promise);
}

TYPED_TEST(FutureOf, IsBrokenByAssigningToItsPromise) {
  this->made = promise<TypeParam>();
  EXPECT_EQ(this->why(this->tested.get()), errc::broken_promise);
}

TYPED_TEST(FutureOf, MayBeDropped) {
  this->tested = {};
  EXPECT_FALSE(this->made.cancelled());
  EXPECT_TRUE(this->made.set(this->value()));
}

TYPED_TEST(FutureOf, ContinuesWithTheResultBeforeAndAfterIt) {
  for (const bool before : {true, false}) {
    promise<TypeParam> source;
    future<TypeParam> first = source.get_future();
    if (before) source.set(this->value());
    auto last = first.then([](result<TypeParam> made) { return made; });
    EXPECT_FALSE(first.valid());
    EXPECT_EQ(last.ready(), before);
    if (!before) source.set(this->value());
    EXPECT_TRUE(this->is(last.get()));
  }
}

TYPED_TEST(FutureOf, ContinuesWithTheBareValue) {
  auto last = this->tested.then([](TypeParam value) { return value; });
  this->made.set(this->value());
  EXPECT_TRUE(this->is(last.get()));
}

TYPED_TEST(FutureOf, ErrorsPassByWhoTakesABareValue) {
  bool called = false;
  auto last = this->tested.then([&](TypeParam value) {
    called = true;
    return value;
  });
  this->made.set(plain_error(errc::timed_out));
  EXPECT_EQ(this->why(last.get()), errc::timed_out);
  EXPECT_FALSE(called);
}

TYPED_TEST(FutureOf, ContinuationsMayFail) {
  auto last = this->tested.then([](TypeParam) -> result<TypeParam> { return plain_error(errc::shut_down); });
  this->made.set(this->value());
  EXPECT_EQ(this->why(last.get()), errc::shut_down);
}

TYPED_TEST(FutureOf, ContinuationsMayReturnNothing) {
  int calls = 0;
  future<nothing> last = this->tested.then([&](result<TypeParam>) { ++calls; });
  this->made.set(this->value());
  EXPECT_TRUE(last.get().ok());
  EXPECT_EQ(calls, 1);
}

TYPED_TEST(FutureOf, ContinuationsMayReturnFutures) {
  for (const bool inner_first : {true, false}) {
    promise<int> outer;
    promise<TypeParam> inner;
    future<TypeParam> returned = inner.get_future();
    future<TypeParam> last = outer.get_future().then([&](int) { return std::move(returned); });
    if (inner_first) inner.set(this->value());
    outer.set(1);
    if (!inner_first) {
      EXPECT_FALSE(last.ready());
      inner.set(this->value());
    }
    EXPECT_TRUE(this->is(last.get()));
  }
}

TYPED_TEST(FutureOf, ContinuesOnAnExecutor) {
  manual_executor where;
  auto last = this->tested.then(where, [](result<TypeParam> made) { return made; });
  this->made.set(this->value());
  EXPECT_FALSE(last.ready());
  EXPECT_EQ(where.run(), 1U);
  EXPECT_TRUE(this->is(last.get()));
}

TYPED_TEST(FutureOf, IsBrokenByAnExecutorThatRefuses) {
  manual_executor where;
  where.close();
  auto last = this->tested.then(where, [](TypeParam value) { return value; });
  this->made.set(this->value());
  EXPECT_EQ(this->why(last.get()), errc::broken_promise);
}

TYPED_TEST(FutureOf, IsBrokenByAnExecutorThatDrops) {
  manual_executor where;
  auto last = this->tested.then(where, [](TypeParam value) { return value; });
  this->made.set(this->value());
  where.close();
  EXPECT_EQ(this->why(last.get()), errc::broken_promise);
}

TYPED_TEST(FutureOf, CanBeCancelled) {
  EXPECT_TRUE(this->tested.cancel());
  EXPECT_FALSE(this->tested.cancel());
  EXPECT_TRUE(this->made.cancelled());
  EXPECT_FALSE(this->made.set(this->value()));
  EXPECT_EQ(this->why(this->tested.get()), errc::cancelled);
}

TYPED_TEST(FutureOf, CannotBeCancelledOnceItIsReady) {
  this->made.set(this->value());
  EXPECT_FALSE(this->tested.cancel());
  EXPECT_TRUE(this->is(this->tested.get()));
}

TYPED_TEST(FutureOf, CancellingReachesTheHook) {
  int calls = 0;
  this->made.on_cancel([&] { ++calls; });
  EXPECT_EQ(calls, 0);
  this->tested.cancel();
  EXPECT_EQ(calls, 1);
}

TYPED_TEST(FutureOf, AHookThatComesLateIsCalledAtOnce) {
  this->tested.cancel();
  int calls = 0;
  this->made.on_cancel([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TYPED_TEST(FutureOf, AResultDropsTheHook) {
  auto held = std::make_shared<int>(1);
  this->made.on_cancel([held] { ADD_FAILURE() << *held; });
  EXPECT_EQ(held.use_count(), 2);
  this->made.set(this->value());
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(this->tested.cancel());
}

TYPED_TEST(FutureOf, CancellingTravelsUpstream) {
  int calls = 0;
  bool continued = false;
  this->made.on_cancel([&] { ++calls; });
  auto last = this->tested
                  .then([&](result<TypeParam> made) {
                    continued = true;
                    return made;
                  })
                  .then([&](result<TypeParam> made) {
                    continued = true;
                    return made;
                  });
  EXPECT_TRUE(last.cancel());
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(this->made.cancelled());
  EXPECT_FALSE(continued);
  EXPECT_EQ(this->why(last.get()), errc::cancelled);
}

TYPED_TEST(FutureOf, CancellingReachesTheFutureThatAContinuationReturned) {
  promise<TypeParam> inner;
  auto last = this->tested.then([&](TypeParam) { return inner.get_future(); });
  this->made.set(this->value());
  EXPECT_FALSE(inner.cancelled());
  EXPECT_TRUE(last.cancel());
  EXPECT_TRUE(inner.cancelled());
}

TYPED_TEST(FutureOf, CancellingReachesWhatWaitsOnAnExecutor) {
  manual_executor where;
  bool continued = false;
  auto last = this->tested.then(where, [&](TypeParam value) {
    continued = true;
    return value;
  });
  this->made.set(this->value());
  EXPECT_TRUE(last.cancel());
  where.run();
  EXPECT_FALSE(continued);
  EXPECT_EQ(this->why(last.get()), errc::cancelled);
}

TYPED_TEST(FutureOf, ContinuationsSeeTheCancellationOfWhatTheyContinue) {
  // Cancelled by somebody else than the one who holds the end of the chain.
  auto* state = this->tested.give_up();
  state->retain();
  auto first = future<TypeParam>::adopt(state);
  auto canceller = future<TypeParam>::adopt(state);
  auto last = first.then([](result<TypeParam> made) { return made.ok() ? 0 : made.failure().code == errc::cancelled; });
  EXPECT_TRUE(canceller.cancel());
  EXPECT_EQ(last.get().value(), 1);
}

TYPED_TEST(FutureOf, ReadyOnesAreReady) {
  EXPECT_TRUE(this->is(make_ready_future(this->value()).get()));
  EXPECT_EQ(this->why(make_failed_future<TypeParam>(plain_error(errc::timed_out)).get()), errc::timed_out);
}

TYPED_TEST(FutureOf, ValuesAreDestroyedOnce) {
  auto held = std::make_shared<TypeParam>(this->value());
  auto count = [&] { return held.use_count(); };
  promise<std::shared_ptr<TypeParam>> source;
  auto last = source.get_future().then([held](std::shared_ptr<TypeParam> value) { return value == held; });
  EXPECT_EQ(count(), 2);
  source.set(held);
  EXPECT_EQ(count(), 1);
  EXPECT_TRUE(last.get().value());
}

TEST(Future, NothingMayBeLeftOut) {
  int calls = 0;
  auto last = make_ready_future().then([&] { return ++calls; });
  EXPECT_EQ(last.get().value(), 1);
}

TEST(Future, LongChainsNeedNoStack) {
  constexpr int links = 200'000;
  promise<int> source;
  future<int> last = source.get_future();
  for (int i = 0; i < links; ++i) last = last.then([](int number) { return number + 1; });
  source.set(0);
  EXPECT_EQ(last.get().value(), links);
}

TEST(Future, LongChainsAreCancelledWithoutStack) {
  promise<int> source;
  future<int> last = source.get_future();
  for (int i = 0; i < 200'000; ++i) last = last.then([](int number) { return number + 1; });
  EXPECT_TRUE(last.cancel());
  EXPECT_TRUE(source.cancelled());
}

TEST(Future, LongChainsAreDroppedWithoutStack) {
  promise<int> source;
  {
    future<int> last = source.get_future();
    for (int i = 0; i < 200'000; ++i) last = last.then([](int number) { return number + 1; });
  }
  EXPECT_TRUE(source.set(1));
}

// A task of an executor that is the state of its future too.
class square_task final : public future_state<int> {
 public:
  square_task(int number, int& alive) noexcept : number_(number), alive_(alive) { ++alive_; }
  void work() noexcept { complete(number_ * number_); }
  void give_up() noexcept { complete_first(plain_error(errc::timed_out)); }
  void work_late() noexcept { complete_first(number_); }

 private:
  ~square_task() override { --alive_; }

  int number_;
  int& alive_;
};

TEST(FutureState, IsABaseForTasks) {
  int alive = 0;
  auto* work = new square_task(5, alive);
  work->retain();
  auto made = future<int>::adopt(work);
  work->work();
  EXPECT_EQ(made.get().value(), 25);
  EXPECT_EQ(alive, 1);
  work->release();
  EXPECT_EQ(alive, 0);
}

TEST(FutureState, TheFirstOfSeveralResultsCounts) {
  int alive = 0;
  auto* work = new square_task(5, alive);
  work->retain();
  auto made = future<int>::adopt(work);
  work->give_up();
  work->work_late();
  work->release();
  EXPECT_EQ(made.get().failure().code, errc::timed_out);
  EXPECT_EQ(alive, 0);
}

TEST(FutureState, CanBeAdoptedByAPromise) {
  int alive = 0;
  auto* work = new square_task(5, alive);
  auto made = promise<int>::adopt(work);
  auto tested = made.get_future();
  { const auto gone = std::move(made); }
  EXPECT_EQ(tested.get().failure().code, errc::broken_promise);
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace fasterapi::core
