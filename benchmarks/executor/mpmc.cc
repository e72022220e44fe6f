#include "fasterapi/core/mpmc_queue.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "boost_queues.h"
#include "measure.h"
#include "mutex_queue.h"

namespace fasterapi::benchmark {

namespace {

constexpr size_t capacity = 1024;
constexpr uint64_t values = 200'000;  // of each producer

// Two producers and two consumers share two cores: time per value. Whoever cannot go on gives its core to another.
template <typename Queue>
double two_by_two(const cores& on) {
  return median_ns(2 * values, [&] {
    Queue queue(capacity);
    const auto produce = [&] {
      keep_to({on.first, on.second});
      for (uint64_t i = 0; i < values; ++i) {
        while (!queue.try_push(i)) std::this_thread::yield();
      }
    };
    const auto consume = [&] {
      keep_to({on.first, on.second});
      uint64_t value = 0;
      for (uint64_t i = 0; i < values; ++i) {
        while (!queue.try_pop(value)) std::this_thread::yield();
        keep(value);
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back(produce);
      threads.emplace_back(consume);
    }
    for (std::thread& thread : threads) thread.join();
  });
}

constexpr std::array<measurement, 3> all{{
    {"mpmc-2x2", "ours", two_by_two<core::mpmc_queue<uint64_t>>},
    {"mpmc-2x2", "boost::lockfree::queue", two_by_two<boost_mpmc<uint64_t>>},
    {"mpmc-2x2", "mutex queue", two_by_two<mutex_queue<uint64_t>>},
}};

}  // namespace

std::span<const measurement> mpmc_measurements() { return all; }

}  // namespace fasterapi::benchmark
