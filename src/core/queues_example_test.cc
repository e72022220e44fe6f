#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>
#include <thread>

#include "fasterapi/core/mpmc_queue.h"
#include "fasterapi/core/spsc_queue.h"

using fasterapi::core::mpmc_queue;
using fasterapi::core::spsc_queue;

TEST(QueuesExample, LinesGoFromOneThreadToAnother) {
  spsc_queue<std::string> lines(100);  // room for 128: the next power of two
  std::thread reader([&] {
    for (int number = 1; number <= 1000; ++number) {
      const std::string line = "line " + std::to_string(number);
      while (!lines.try_push(line)) std::this_thread::yield();  // full: it took nothing
    }
  });
  int received = 0;
  std::array<std::string, 16> batch;
  while (received < 1000) {
    const size_t count = lines.pop_batch(batch);  // up to 16 at once; 0 when there is none
    for (const std::string& line : std::span(batch).first(count)) EXPECT_EQ(line, "line " + std::to_string(++received));
    if (count == 0) std::this_thread::yield();
  }
  reader.join();
}

TEST(QueuesExample, AnyThreadMayPushAndPop) {
  mpmc_queue<int> orders(1024);
  const auto order = [&](int number) {
    if (!orders.try_push(number)) ADD_FAILURE() << "full: say so to whoever ordered";
  };
  std::thread one(order, 1);
  std::thread two(order, 2);
  one.join();
  two.join();
  int sum = 0;
  while (const auto number = orders.try_pop()) sum += *number;
  EXPECT_EQ(sum, 3);
}
