#include "fasterapi/core/mpmc_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
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
struct mpmc_queue_layout {
  template <typename T>
  explicit mpmc_queue_layout(const mpmc_queue<T>& queue)
      : constants(line(&queue.mask_)),
        constants_end(line(reinterpret_cast<const char*>(&queue.memory_ + 1) - 1)),
        tail(line(&queue.tail_)),
        head(line(&queue.head_)),
        after(line(&queue + 1)),
        cells(queue.memory_.data()) {}

  template <typename T>
  static constexpr size_t cell_bytes = sizeof(typename mpmc_queue<T>::cell);

  static uintptr_t line(const void* field) { return reinterpret_cast<uintptr_t>(field) / false_sharing_bytes; }

  uintptr_t constants, constants_end, tail, head, after;
  const void* cells;
};

namespace {

static_assert(alignof(mpmc_queue<int>) == false_sharing_bytes);
static_assert(sizeof(mpmc_queue<int>) == 3 * false_sharing_bytes);
static_assert(mpmc_queue_layout::cell_bytes<void*> == 16);
static_assert(mpmc_queue_layout::cell_bytes<wide> == 2 * cache_line_bytes);

TEST(MpmcQueueLayout, EachSideWritesOnLinesOfItsOwn) {
  const std::array<mpmc_queue<int>, 2> queues{mpmc_queue<int>(4), mpmc_queue<int>(4)};
  for (const mpmc_queue<int>& queue : queues) {
    const mpmc_queue_layout at(queue);
    EXPECT_EQ(at.constants, at.constants_end);
    EXPECT_EQ(at.tail, at.constants + 1);
    EXPECT_EQ(at.head, at.tail + 1);
    EXPECT_EQ(at.after, at.head + 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at.cells) % cache_line_bytes, 0U);
  }
}

// What one consumer saw: how often each value came, and whether a producer's values came in their order.
struct observer {
  explicit observer(int producers, int each) : times(static_cast<size_t>(producers * each)), each(each) {
    last.resize(static_cast<size_t>(producers), -1);
  }

  void saw(int number) {
    ++times[static_cast<size_t>(number)];
    int& before = last[static_cast<size_t>(number / each)];
    out_of_order += number <= before;
    before = number;
  }

  std::vector<int> times;
  std::vector<int> last;
  int each;
  int out_of_order = 0;
};

struct traffic {
  int producers;
  int consumers;
  size_t capacity;
  size_t batch_max;
  int each;  // values of each producer
};

template <typename T>
void produce(mpmc_queue<T>& queue, const traffic& plan, int producer) {
  std::minstd_rand random(static_cast<unsigned>(producer + 1));
  std::vector<T> batch;
  const int end = (producer + 1) * plan.each;
  for (int next = producer * plan.each; next < end;) {
    batch.clear();
    const size_t length = std::min(1 + random() % plan.batch_max, static_cast<size_t>(end - next));
    for (size_t i = 0; i < length; ++i) batch.push_back(sample<T>::make(next++));
    for (size_t sent = 0; sent < length;) {
      const size_t taken =
          length == 1 ? size_t{offer(queue, batch[0])} : queue.push_batch(std::span(batch).subspan(sent));
      if (taken == 0) std::this_thread::yield();
      sent += taken;
    }
  }
}

template <typename T>
void consume(mpmc_queue<T>& queue, const traffic& plan, std::atomic<int>& left, observer& seen) {
  std::minstd_rand random(static_cast<unsigned>(left.load()));
  std::vector<T> batch;
  for (size_t i = 0; i < plan.batch_max; ++i) batch.push_back(sample<T>::make(0));
  while (left.load(std::memory_order_relaxed) > 0) {
    const size_t taken = queue.pop_batch(std::span(batch).first(1 + random() % plan.batch_max));
    if (taken == 0) std::this_thread::yield();
    for (size_t i = 0; i < taken; ++i) seen.saw(sample<T>::number(batch[i]));
    left.fetch_sub(static_cast<int>(taken), std::memory_order_relaxed);
  }
}

template <typename T>
void expect_each_once(const traffic& plan) {
  mpmc_queue<T> queue(plan.capacity);
  std::atomic<int> left{plan.producers * plan.each};
  std::vector<observer> seen(static_cast<size_t>(plan.consumers), observer(plan.producers, plan.each));
  std::vector<std::thread> threads;
  for (int i = 0; i < plan.producers; ++i) threads.emplace_back([&, i] { produce(queue, plan, i); });
  for (observer& mine : seen) threads.emplace_back([&] { consume(queue, plan, left, mine); });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(queue.size_approx(), 0U);
  for (size_t number = 0; number < seen[0].times.size(); ++number) {
    int times = 0;
    for (const observer& one : seen) times += one.times[number];
    ASSERT_EQ(times, 1) << "value " << number;
  }
  for (const observer& one : seen) EXPECT_EQ(one.out_of_order, 0);
}

TEST(MpmcQueueThreads, EveryValueArrivesOnceAndInItsProducersOrder) {
  for (const size_t capacity : {1U, 2U, 64U}) {
    expect_each_once<int>({.producers = 2, .consumers = 2, .capacity = capacity, .batch_max = 1, .each = 5000});
  }
  expect_each_once<std::unique_ptr<int>>({.producers = 2, .consumers = 2, .capacity = 8, .batch_max = 1, .each = 2000});
}

TEST(MpmcQueueThreads, EveryBatchArrivesOnceAndInItsProducersOrder) {
  expect_each_once<int>({.producers = 2, .consumers = 2, .capacity = 16, .batch_max = 7, .each = 5000});
  expect_each_once<std::string>({.producers = 2, .consumers = 2, .capacity = 4, .batch_max = 5, .each = 2000});
  expect_each_once<wide>({.producers = 2, .consumers = 2, .capacity = 8, .batch_max = 3, .each = 2000});
}

TEST(MpmcQueueThreads, AnyShapeOfTrafficArrives) {
  std::minstd_rand random(20);
  for (int round = 0; round < 12; ++round) {
    const traffic plan{.producers = 1 + static_cast<int>(random() % 4),
                       .consumers = 1 + static_cast<int>(random() % 4),
                       .capacity = size_t{1} << random() % 5,
                       .batch_max = 1 + random() % 6,
                       .each = 600};
    SCOPED_TRACE(testing::Message() << plan.producers << "x" << plan.consumers << " capacity " << plan.capacity
                                    << " batches of " << plan.batch_max);
    expect_each_once<std::unique_ptr<int>>(plan);
  }
}

}  // namespace
}  // namespace fasterapi::core
