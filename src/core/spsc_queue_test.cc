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
