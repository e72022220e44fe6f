#include "fasterapi/core/spsc_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/queue_samples.h"

namespace fasterapi::core {

// Where the fields of a queue lie.
struct spsc_queue_layout {
  template <typename Queue>
  explicit spsc_queue_layout(const Queue& queue)
      : constants(line(&queue.mask_)),
        constants_end(line(reinterpret_cast<const char*>(&queue.memory_ + 1) - 1)),
        tail(line(&queue.tail_)),
        head_seen(line(&queue.head_seen_)),
        head(line(&queue.head_)),
        tail_seen(line(&queue.tail_seen_)),
        after(line(&queue + 1)) {}

  static uintptr_t line(const void* field) { return reinterpret_cast<uintptr_t>(field) / false_sharing_bytes; }

  uintptr_t constants, constants_end, tail, head_seen, head, tail_seen, after;
};

namespace {

static_assert(alignof(spsc_queue<int>) == false_sharing_bytes);
static_assert(sizeof(spsc_queue<int>) == 3 * false_sharing_bytes);

TEST(SpscQueueLayout, EachSideWritesOnLinesOfItsOwn) {
  const std::array<spsc_queue<int>, 2> queues{spsc_queue<int>(4), spsc_queue<int>(4)};
  for (const spsc_queue<int>& queue : queues) {
    const spsc_queue_layout at(queue);
    EXPECT_EQ(at.constants, at.constants_end);
    EXPECT_EQ(at.tail, at.constants + 1);
    EXPECT_EQ(at.head_seen, at.tail);
    EXPECT_EQ(at.head, at.tail + 1);
    EXPECT_EQ(at.tail_seen, at.head);
    EXPECT_EQ(at.after, at.head + 1);
  }
}

template <typename T>
class SpscQueue : public testing::Test {
 protected:
  static T make(int number) { return sample<T>::make(number); }
  static int number(const T& value) { return sample<T>::number(value); }
  // -1 where there is none.
  static int popped(spsc_queue<T>& queue) {
    const std::optional<T> value = queue.try_pop();
    return value ? number(*value) : -1;
  }
};

using values = testing::Types<int, std::string, std::unique_ptr<int>, wide, counted>;
TYPED_TEST_SUITE(SpscQueue, values);

TYPED_TEST(SpscQueue, RoundsTheCapacityUp) {
  EXPECT_EQ(spsc_queue<TypeParam>(1).capacity(), 1U);
  EXPECT_EQ(spsc_queue<TypeParam>(5).capacity(), 8U);
  EXPECT_EQ(spsc_queue<TypeParam>(8).capacity(), 8U);
}

TYPED_TEST(SpscQueue, KeepsOrderThroughManyLaps) {
  for (const size_t capacity : {1U, 2U, 8U}) {
    spsc_queue<TypeParam> queue(capacity);
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

TYPED_TEST(SpscQueue, DeclinesWhenFullAndLeavesTheValue) {
  spsc_queue<TypeParam> queue(2);
  ASSERT_TRUE(queue.try_push(this->make(1)));
  ASSERT_TRUE(queue.try_push(this->make(2)));
  TypeParam declined = this->make(3);
  EXPECT_FALSE(offer(queue, declined));
  EXPECT_EQ(this->number(declined), 3);
  EXPECT_EQ(this->popped(queue), 1);
  EXPECT_TRUE(offer(queue, declined));
  EXPECT_EQ(this->popped(queue), 2);
  EXPECT_EQ(this->popped(queue), 3);
}

TYPED_TEST(SpscQueue, LeavesTheTargetWhenEmpty) {
  spsc_queue<TypeParam> queue(2);
  TypeParam target = this->make(7);
  EXPECT_FALSE(queue.try_pop(target));
  EXPECT_EQ(this->number(target), 7);
  EXPECT_FALSE(queue.try_pop().has_value());
  ASSERT_TRUE(queue.try_push(this->make(8)));
  EXPECT_TRUE(queue.try_pop(target));
  EXPECT_EQ(this->number(target), 8);
}

TYPED_TEST(SpscQueue, TakesAsMuchOfABatchAsFits) {
  spsc_queue<TypeParam> queue(4);
  std::vector<TypeParam> in;
  for (int i = 0; i < 6; ++i) in.push_back(this->make(i));
  EXPECT_EQ(queue.push_batch(in), 4U);
  EXPECT_EQ(this->number(in[4]), 4);
  EXPECT_EQ(queue.push_batch(std::span(in).subspan(4)), 0U);

  std::vector<TypeParam> out;
  for (int i = 0; i < 3; ++i) out.push_back(this->make(100));
  EXPECT_EQ(queue.pop_batch(out), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(this->number(out[static_cast<size_t>(i)]), i);

  EXPECT_EQ(queue.push_batch(std::span(in).subspan(4)), 2U);
  EXPECT_EQ(queue.pop_batch({}), 0U);
  EXPECT_EQ(queue.pop_batch(out), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(this->number(out[static_cast<size_t>(i)]), i + 3);
  EXPECT_EQ(queue.pop_batch(out), 0U);
}

TEST(SpscQueueValues, CopiesWhatItIsLent) {
  spsc_queue<std::string> queue(1);
  const std::string lent = "kept by the caller, and long enough to be allocated";
  EXPECT_TRUE(queue.try_push(lent));
  EXPECT_FALSE(queue.try_push(lent));
  EXPECT_EQ(queue.try_pop(), lent);
}

TEST(SpscQueueValues, AreDestroyedOnce) {
  counted::alive = 0;
  {
    spsc_queue<counted> queue(4);
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

// One at a time and in batches of random lengths, every value arrives once and in order.
template <typename T>
void expect_all_arrive(size_t capacity, bool batches, int count) {
  spsc_queue<T> queue(capacity);
  std::thread producer([&] {
    std::minstd_rand random(1);
    std::vector<T> batch;
    for (int next = 0; next < count;) {
      if (!batches) {
        T value = sample<T>::make(next);
        while (!offer(queue, value)) std::this_thread::yield();
        ++next;
        continue;
      }
      batch.clear();
      const int length = std::min(1 + static_cast<int>(random() % 7), count - next);
      for (int i = 0; i < length; ++i) batch.push_back(sample<T>::make(next + i));
      for (size_t sent = 0; sent < batch.size();) {
        const size_t taken = queue.push_batch(std::span(batch).subspan(sent));
        if (taken == 0) std::this_thread::yield();
        sent += taken;
      }
      next += length;
    }
  });
  std::minstd_rand random(2);
  std::vector<T> batch;
  for (int i = 0; i < 7; ++i) batch.push_back(sample<T>::make(0));
  int out_of_order = 0;
  for (int expected = 0; expected < count;) {
    const size_t length = batches ? 1 + random() % batch.size() : 1;
    const size_t taken = queue.pop_batch(std::span(batch).first(length));
    if (taken == 0) std::this_thread::yield();
    for (size_t i = 0; i < taken; ++i) out_of_order += sample<T>::number(batch[i]) != expected++;
  }
  producer.join();
  EXPECT_EQ(out_of_order, 0);
  EXPECT_EQ(queue.size_approx(), 0U);
}

TEST(SpscQueueThreads, EveryValueArrivesOnceAndInOrder) {
  for (const size_t capacity : {1U, 2U, 64U}) {
    expect_all_arrive<int>(capacity, false, 20000);
    expect_all_arrive<std::unique_ptr<int>>(capacity, false, 5000);
  }
}

TEST(SpscQueueThreads, EveryBatchArrivesOnceAndInOrder) {
  for (const size_t capacity : {2U, 16U}) {
    expect_all_arrive<int>(capacity, true, 20000);
    expect_all_arrive<std::string>(capacity, true, 5000);
    expect_all_arrive<wide>(capacity, true, 5000);
  }
}

}  // namespace
}  // namespace fasterapi::core
