#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/queue_samples.h"
#include "fasterapi/core/mpmc_queue.h"
#include "fasterapi/core/spsc_queue.h"

// What both bounded queues promise to a single thread.

namespace fasterapi::core {
namespace {

// The two kinds, and what they hold.
struct single {
  template <typename T>
  using queue = spsc_queue<T>;
};
struct multiple {
  template <typename T>
  using queue = mpmc_queue<T>;
};
template <typename Kind, typename T>
struct of {
  using kind = Kind;
  using value = T;
};

template <typename Combination>
class BoundedQueue : public testing::Test {
 protected:
  using T = typename Combination::value;
  using queue_type = typename Combination::kind::template queue<T>;

  static T make(int number) { return sample<T>::make(number); }
  static int number(const T& value) { return sample<T>::number(value); }
  // -1 where there is none.
  static int popped(queue_type& queue) {
    const std::optional<T> value = queue.try_pop();
    return value ? number(*value) : -1;
  }
};

using combinations = testing::Types<of<single, int>, of<single, std::string>, of<single, std::unique_ptr<int>>,
                                    of<single, wide>, of<single, counted>, of<multiple, int>, of<multiple, std::string>,
                                    of<multiple, std::unique_ptr<int>>, of<multiple, wide>, of<multiple, counted>>;
TYPED_TEST_SUITE(BoundedQueue, combinations);

template <typename Kind>
class BoundedQueueValues : public testing::Test {};

using kinds = testing::Types<single, multiple>;
TYPED_TEST_SUITE(BoundedQueueValues, kinds);

TYPED_TEST(BoundedQueue, RoundsTheCapacityUp) {
  EXPECT_EQ(typename TestFixture::queue_type(1).capacity(), 1U);
  EXPECT_EQ(typename TestFixture::queue_type(5).capacity(), 8U);
  EXPECT_EQ(typename TestFixture::queue_type(8).capacity(), 8U);
}

TYPED_TEST(BoundedQueue, KeepsOrderThroughManyLaps) {
  for (const size_t capacity : {1U, 2U, 8U}) {
    typename TestFixture::queue_type queue(capacity);
    int pushed = 0;
    int popped = 0;
    for (int round = 0; round < 50; ++round) {
      for (size_t i = 0; i < capacity; ++i) ASSERT_TRUE(queue.try_push(this->make(pushed++)));
      EXPECT_EQ(queue.size_approx(), capacity);
      for (size_t i = 0; i < capacity; ++i) EXPECT_EQ(this->popped(queue), popped++);
      EXPECT_EQ(queue.size_approx(), 0U);
    }
  }
}

TYPED_TEST(BoundedQueue, DeclinesWhenFullAndLeavesTheValue) {
  typename TestFixture::queue_type queue(2);
  ASSERT_TRUE(queue.try_push(this->make(1)));
  ASSERT_TRUE(queue.try_push(this->make(2)));
  typename TypeParam::value declined = this->make(3);
  EXPECT_FALSE(offer(queue, declined));
  EXPECT_EQ(this->number(declined), 3);
  EXPECT_EQ(this->popped(queue), 1);
  EXPECT_TRUE(offer(queue, declined));
  EXPECT_EQ(this->popped(queue), 2);
  EXPECT_EQ(this->popped(queue), 3);
}

TYPED_TEST(BoundedQueue, LeavesTheTargetWhenEmpty) {
  typename TestFixture::queue_type queue(2);
  typename TypeParam::value target = this->make(7);
  EXPECT_FALSE(queue.try_pop(target));
  EXPECT_EQ(this->number(target), 7);
  EXPECT_FALSE(queue.try_pop().has_value());
  ASSERT_TRUE(queue.try_push(this->make(8)));
  EXPECT_TRUE(queue.try_pop(target));
  EXPECT_EQ(this->number(target), 8);
}

TYPED_TEST(BoundedQueue, TakesAsMuchOfABatchAsFits) {
  typename TestFixture::queue_type queue(4);
  std::vector<typename TypeParam::value> in;
  for (int i = 0; i < 6; ++i) in.push_back(this->make(i));
  EXPECT_EQ(queue.push_batch(in), 4U);
  EXPECT_EQ(this->number(in[4]), 4);
  EXPECT_EQ(queue.push_batch(std::span(in).subspan(4)), 0U);

  std::vector<typename TypeParam::value> out;
  for (int i = 0; i < 3; ++i) out.push_back(this->make(100));
  EXPECT_EQ(queue.pop_batch(out), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(this->number(out[static_cast<size_t>(i)]), i);

  EXPECT_EQ(queue.push_batch(std::span(in).subspan(4)), 2U);
  EXPECT_EQ(queue.pop_batch({}), 0U);
  EXPECT_EQ(queue.pop_batch(out), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(this->number(out[static_cast<size_t>(i)]), i + 3);
  EXPECT_EQ(queue.pop_batch(out), 0U);
}

TYPED_TEST(BoundedQueueValues, AreCopiedWhereTheyAreLent) {
  typename TypeParam::template queue<std::string> queue(1);
  const std::string lent = "kept by the caller, and long enough to be allocated";
  EXPECT_TRUE(queue.try_push(lent));
  EXPECT_FALSE(queue.try_push(lent));
  EXPECT_EQ(queue.try_pop(), lent);
}

TYPED_TEST(BoundedQueueValues, AreDestroyedOnce) {
  counted::alive = 0;
  {
    typename TypeParam::template queue<counted> queue(4);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.try_push(counted(i)));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(queue.try_pop().has_value());
    for (int i = 3; i < 6; ++i) ASSERT_TRUE(queue.try_push(counted(i)));
    EXPECT_FALSE(queue.try_push(counted(6)));
    EXPECT_EQ(counted::alive, 4);
    counted target(-2);
    ASSERT_TRUE(queue.try_pop(target));
    EXPECT_EQ(target.number(), 2);
    EXPECT_EQ(counted::alive, 4);  // three inside and the target
  }
  EXPECT_EQ(counted::alive, 0);
}

}  // namespace
}  // namespace fasterapi::core
