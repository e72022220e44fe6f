#include "fasterapi/core/combinators.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/sample_values.h"
#include "fasterapi/core/errc.h"

namespace fasterapi::core {
namespace {

constexpr int64_t hour_ns = 3'600'000'000'000;

template <typename T>
class CombinatorsOf : public testing::Test {
 protected:
  std::vector<future<T>> futures() {
    std::vector<future<T>> made;
    for (auto& source : sources) made.push_back(source.get_future());
    return made;
  }
  static T value(int seed) { return sample<T>::make(seed); }
  static bool is(result<T>& made, int seed) { return made.ok() && sample<T>::is(made.value(), seed); }

  std::vector<promise<T>> sources{3};
};
TYPED_TEST_SUITE(CombinatorsOf, sample_types);

TYPED_TEST(CombinatorsOf, AllComeInTheirOrder) {
  auto all = when_all(this->futures());
  this->sources[2].set(this->value(2));
  this->sources[0].set(this->value(0));
  EXPECT_FALSE(all.ready());
  this->sources[1].set(plain_error(errc::queue_full));
  auto made = all.get().take();
  ASSERT_EQ(made.size(), 3U);
  EXPECT_TRUE(this->is(made[0], 0));
  EXPECT_EQ(made[1].failure().code, errc::queue_full);
  EXPECT_TRUE(this->is(made[2], 2));
}

TYPED_TEST(CombinatorsOf, AllMayBeReadyBefore) {
  auto futures = this->futures();
  for (int i = 0; i < 3; ++i) this->sources[static_cast<size_t>(i)].set(this->value(i));
  auto made = when_all(std::move(futures)).get().take();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(this->is(made[static_cast<size_t>(i)], i));
}

TYPED_TEST(CombinatorsOf, CancellingAllReachesEach) {
  auto all = when_all(this->futures());
  this->sources[1].set(this->value(1));
  EXPECT_TRUE(all.cancel());
  EXPECT_TRUE(this->sources[0].cancelled());
  EXPECT_TRUE(this->sources[2].cancelled());
  EXPECT_EQ(all.get().failure().code, errc::cancelled);
}

TYPED_TEST(CombinatorsOf, AllOfSeveralTypes) {
  promise<int> number;
  auto all = when_all(number.get_future(), this->sources[0].get_future(), make_ready_future(std::string("x")));
  this->sources[0].set(this->value(4));
  EXPECT_FALSE(all.ready());
  number.set(plain_error(errc::timed_out));
  auto [first, second, third] = all.get().take();
  EXPECT_EQ(first.failure().code, errc::timed_out);
  EXPECT_TRUE(this->is(second, 4));
  EXPECT_EQ(third.value(), "x");
}

TYPED_TEST(CombinatorsOf, CancellingAllOfSeveralTypesReachesEach) {
  promise<int> number;
  auto all = when_all(number.get_future(), this->sources[0].get_future());
  EXPECT_TRUE(all.cancel());
  EXPECT_TRUE(number.cancelled());
  EXPECT_TRUE(this->sources[0].cancelled());
}

TYPED_TEST(CombinatorsOf, AnyIsTheFirst) {
  auto any = when_any(this->futures());
  EXPECT_FALSE(any.ready());
  this->sources[1].set(this->value(1));
  EXPECT_FALSE(this->sources[0].cancelled());
  EXPECT_TRUE(this->sources[0].set(this->value(0)));
  EXPECT_TRUE(this->sources[2].set(this->value(2)));
  auto first = any.get().take();
  EXPECT_EQ(first.index, 1U);
  EXPECT_TRUE(this->is(first.made, 1));
}

TYPED_TEST(CombinatorsOf, AnyMayBeReadyBefore) {
  auto futures = this->futures();
  this->sources[1].set(this->value(1));
  this->sources[2].set(this->value(2));
  auto first = when_any(std::move(futures), losers::cancel).get().take();
  EXPECT_EQ(first.index, 1U);
  EXPECT_TRUE(this->is(first.made, 1));
  EXPECT_TRUE(this->sources[0].cancelled());
}

TYPED_TEST(CombinatorsOf, AnyCancelsTheOthersOnRequest) {
  auto any = when_any(this->futures(), losers::cancel);
  this->sources[2].set(plain_error(errc::shut_down));
  EXPECT_TRUE(this->sources[0].cancelled());
  EXPECT_TRUE(this->sources[1].cancelled());
  auto first = any.get().take();
  EXPECT_EQ(first.index, 2U);
  EXPECT_EQ(first.made.failure().code, errc::shut_down);
}

TYPED_TEST(CombinatorsOf, CancellingAnyReachesEach) {
  auto any = when_any(this->futures());
  EXPECT_TRUE(any.cancel());
  for (auto& source : this->sources) EXPECT_TRUE(source.cancelled());
  EXPECT_EQ(any.get().failure().code, errc::cancelled);
}

TYPED_TEST(CombinatorsOf, NoneAtAll) {
  EXPECT_TRUE(when_all(std::vector<future<TypeParam>>()).get().value().empty());
  EXPECT_EQ(when_any(std::vector<future<TypeParam>>()).get().failure().code, errc::invalid_argument);
}

TYPED_TEST(CombinatorsOf, ATimeoutThatIsNotMet) {
  auto clock = timer::create().take();
  auto limited = with_timeout(*clock, this->sources[0].get_future(), hour_ns);
  EXPECT_EQ(clock->size(), 1U);
  this->sources[0].set(this->value(5));
  EXPECT_EQ(clock->size(), 0U);
  auto made = limited.get();
  EXPECT_TRUE(this->is(made, 5));
}

TYPED_TEST(CombinatorsOf, ATimeoutCancelsItsSource) {
  auto clock = timer::create().take();
  auto limited = with_timeout(*clock, this->sources[0].get_future(), 1'000'000);
  ASSERT_TRUE(limited.wait_for(patience_ns));
  EXPECT_EQ(limited.get().failure().code, errc::timed_out);
  clock.reset();  // the timer's thread is done with it
  EXPECT_TRUE(this->sources[0].cancelled());
  EXPECT_FALSE(this->sources[0].set(this->value(1)));
}

TYPED_TEST(CombinatorsOf, ATimeoutOfSomethingReady) {
  auto clock = timer::create().take();
  auto made = with_timeout(*clock, make_ready_future(this->value(3)), hour_ns).get();
  EXPECT_TRUE(this->is(made, 3));
  EXPECT_EQ(clock->size(), 0U);
}

TYPED_TEST(CombinatorsOf, CancellingATimeoutReachesItsSource) {
  auto clock = timer::create().take();
  auto limited = with_timeout(*clock, this->sources[0].get_future(), hour_ns);
  EXPECT_TRUE(limited.cancel());
  EXPECT_TRUE(this->sources[0].cancelled());
  EXPECT_EQ(clock->size(), 0U);
  EXPECT_EQ(limited.get().failure().code, errc::cancelled);
}

TYPED_TEST(CombinatorsOf, WithoutItsTimerThereIsNoDeadline) {
  auto clock = timer::create().take();
  auto limited = with_timeout(*clock, this->sources[0].get_future(), hour_ns);
  clock.reset();
  EXPECT_FALSE(limited.ready());
  this->sources[0].set(this->value(3));
  auto made = limited.get();
  EXPECT_TRUE(this->is(made, 3));
}

TEST(Combinators, Combine) {
  promise<int> never;
  auto clock = timer::create().take();
  std::vector<future<int>> both;
  both.push_back(with_timeout(*clock, never.get_future(), hour_ns));
  both.push_back(make_ready_future(2).then([](int number) { return number * 2; }));
  auto all = when_all(when_any(std::move(both), losers::cancel), make_ready_future());
  auto [first, second] = all.get().take();
  EXPECT_EQ(first.value().made.value(), 4);
  EXPECT_TRUE(never.cancelled());
}

}  // namespace
}  // namespace fasterapi::core
