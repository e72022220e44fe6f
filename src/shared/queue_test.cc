#include "shared/queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"

namespace fasterapi::shared {
namespace {

constexpr int64_t soon_ns = 20'000'000'000;

// A queue in a region of its own.
class a_queue {
 public:
  explicit a_queue(queue_options options)
      : region_(region::create(size_t{2} << 20).take()), waiting_(), queue_(make(options)) {}

  queue::outcome put(std::string_view item) { return queue_.put(region_, item, waiting_); }
  std::optional<std::string> get() {
    core::byte_buffer out;
    if (!queue_.get(region_, out, waiting_)) return std::nullopt;
    return std::string(out.view());
  }
  // Waits where there is nothing, for at most soon_ns.
  std::optional<std::string> wait_and_get() {
    const int64_t deadline = core::monotonic_ns() + soon_ns;
    for (;;) {
      const uint32_t round = queue_.item_came().arrive();
      std::optional<std::string> item = get();
      if (item || core::monotonic_ns() > deadline) return item;
      queue_.item_came().sleep(round, deadline);
    }
  }
  uint64_t size() { return queue_.size(region_, waiting_); }

 private:
  queue& make(queue_options options) {
    plain_patience waiting;
    domain_holder held(region_, region_.header().directory, waiting);
    return *new (region_.base() + held.allocate(sizeof(queue) + 64) / 64 * 64 + 64) queue(options);
  }

  region region_;
  plain_patience waiting_;
  queue& queue_;
};

TEST(Queue, GivesItemsInTheirOrder) {
  a_queue q({10, 100'000});
  EXPECT_EQ(q.get(), std::nullopt);
  for (const char* item : {"first", "", "third"}) EXPECT_EQ(q.put(item), queue::outcome::done);
  EXPECT_EQ(q.size(), 3U);
  EXPECT_EQ(q.get(), "first");
  EXPECT_EQ(q.get(), "");
  EXPECT_EQ(q.put(std::string(20'000, 'x')), queue::outcome::done);
  EXPECT_EQ(q.get(), "third");
  EXPECT_EQ(q.get(), std::string(20'000, 'x'));
  EXPECT_EQ(q.get(), std::nullopt);
}

TEST(Queue, HoldsItsBounds) {
  a_queue q({2, 100});
  EXPECT_EQ(q.put(std::string(101, 'x')), queue::outcome::too_large);
  EXPECT_EQ(q.put(std::string(60, 'x')), queue::outcome::done);
  EXPECT_EQ(q.put(std::string(41, 'x')), queue::outcome::no_room);
  EXPECT_EQ(q.put(std::string(40, 'x')), queue::outcome::done);
  EXPECT_EQ(q.put(""), queue::outcome::no_room);
  q.get();
  EXPECT_EQ(q.put(""), queue::outcome::done);
}

TEST(Queue, SaysWhenTheRegionIsFull) {
  a_queue q({1000, size_t{1} << 30});
  int items = 0;
  while (q.put(std::string(50'000, 'x')) == queue::outcome::done) ++items;
  EXPECT_GT(items, 5);
  EXPECT_EQ(q.size(), static_cast<uint64_t>(items));
  EXPECT_EQ(q.get(), std::string(50'000, 'x'));
  EXPECT_EQ(q.put(std::string(50'000, 'y')), queue::outcome::done);
}

TEST(Queue, LosesAndDoublesNothingAmongThreads) {
  constexpr int items_each = 2000;
  a_queue q({16, 100'000});
  std::vector<std::thread> threads;
  threads.reserve(8);
  std::vector<std::atomic<int>> seen(3 * items_each);
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&q, t] {
      for (int i = 0; i < items_each; ++i) {
        while (q.put(std::to_string(t * items_each + i)) == queue::outcome::no_room) std::this_thread::yield();
      }
    });
    threads.emplace_back([&] {
      for (int i = 0; i < items_each; ++i) {
        const std::optional<std::string> item = q.wait_and_get();
        ASSERT_TRUE(item);
        ++seen[static_cast<size_t>(std::stoi(*item))];
      }
    });
  }
  for (std::thread& each : threads) each.join();
  for (const std::atomic<int>& count : seen) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace fasterapi::shared
