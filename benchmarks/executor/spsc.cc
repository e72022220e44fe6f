#include "fasterapi/core/spsc_queue.h"

#include <array>
#include <cstdint>
#include <thread>

#include "boost_queues.h"
#include "fasterapi/core/atomics.h"
#include "measure.h"
#include "mutex_queue.h"

namespace fasterapi::benchmark {

namespace {

constexpr size_t capacity = 1024;
using core::std_atomics;

template <typename Queue>
void push(Queue& queue, uint64_t value) {
  while (!queue.try_push(value)) std_atomics::pause();
}

template <typename Queue>
uint64_t pop(Queue& queue) {
  uint64_t value = 0;
  while (!queue.try_pop(value)) std_atomics::pause();
  return value;
}

// A stream of values from one core to the other: time per value.
template <typename Queue>
double stream(const cores& on) {
  constexpr uint64_t values = 400'000;
  return median_ns(values, [&] {
    Queue queue(capacity);
    std::thread consumer([&] {
      keep_to({on.second});
      for (uint64_t i = 0; i < values; ++i) keep(pop(queue));
    });
    keep_to({on.first});
    for (uint64_t i = 0; i < values; ++i) push(queue, i);
    consumer.join();
  });
}

// One value goes to the other core and comes back: half of the time that takes.
template <typename Queue>
double one_way(const cores& on) {
  constexpr uint64_t trips = 50'000;
  return median_ns(trips * 2, [&] {
    Queue there(capacity);
    Queue back(capacity);
    std::thread other([&] {
      keep_to({on.second});
      for (uint64_t i = 0; i < trips; ++i) push(back, pop(there));
    });
    keep_to({on.first});
    for (uint64_t i = 0; i < trips; ++i) {
      push(there, i);
      keep(pop(back));
    }
    other.join();
  });
}

template <typename Queue>
double same_thread(const cores& on) {
  constexpr uint64_t values = 1'000'000;
  keep_to({on.first});
  Queue queue(capacity);
  return median_ns(values, [&] {
    for (uint64_t i = 0; i < values; ++i) {
      push(queue, i);
      keep(pop(queue));
    }
  });
}

using ours = core::spsc_queue<uint64_t>;
using locked = mutex_queue<uint64_t>;
using boosts = boost_spsc<uint64_t>;

constexpr std::array<measurement, 9> all{{
    {"spsc-stream", "ours", stream<ours>},
    {"spsc-stream", "boost::lockfree::spsc_queue", stream<boosts>},
    {"spsc-stream", "mutex queue", stream<locked>},
    {"spsc-one-way", "ours", one_way<ours>},
    {"spsc-one-way", "boost::lockfree::spsc_queue", one_way<boosts>},
    {"spsc-one-way", "mutex queue", one_way<locked>},
    {"spsc-same-thread", "ours", same_thread<ours>},
    {"spsc-same-thread", "boost::lockfree::spsc_queue", same_thread<boosts>},
    {"spsc-same-thread", "mutex queue", same_thread<locked>},
}};

}  // namespace

std::span<const measurement> spsc_measurements() { return all; }

}  // namespace fasterapi::benchmark
