#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>

#include "fasterapi/core/atomics.h"
#include "fasterapi/core/future.h"
#include "measure.h"

namespace fasterapi::benchmark {

namespace {

using core::std_atomics;

// Makes a promise, brings its result and takes it from the future, on one thread.
double our_same_thread(const cores& on) {
  constexpr uint64_t times = 200'000;
  keep_to({on.first});
  return median_ns(times, [] {
    for (uint64_t i = 0; i < times; ++i) {
      core::promise<uint64_t> promise;
      core::future<uint64_t> future = promise.get_future();
      promise.set(i);
      keep(future.get().take());
    }
  });
}

double std_same_thread(const cores& on) {
  constexpr uint64_t times = 200'000;
  keep_to({on.first});
  return median_ns(times, [] {
    for (uint64_t i = 0; i < times; ++i) {
      std::promise<uint64_t> promise;
      std::future<uint64_t> future = promise.get_future();
      promise.set_value(i);
      keep(future.get());
    }
  });
}

// A promise goes to a thread on the other core, which is awake; the result comes back through the future.
template <typename Promise, typename Bring, typename Take>
double round_trip(const cores& on, Bring bring, Take take) {
  constexpr uint64_t trips = 20'000;
  return median_ns(trips, [&] {
    std::atomic<Promise*> wanted{nullptr};
    std::thread other([&] {
      keep_to({on.second});
      for (uint64_t i = 0; i < trips; ++i) {
        Promise* mine = nullptr;
        while ((mine = wanted.exchange(nullptr, std::memory_order_acquire)) == nullptr) std_atomics::pause();
        bring(*mine, i);
        delete mine;
      }
    });
    keep_to({on.first});
    for (uint64_t i = 0; i < trips; ++i) {
      auto* promise = new Promise;
      auto future = promise->get_future();
      wanted.store(promise, std::memory_order_release);
      keep(take(future));
    }
    other.join();
  });
}

double our_round_trip(const cores& on) {
  return round_trip<core::promise<uint64_t>>(
      on, [](core::promise<uint64_t>& to, uint64_t value) { to.set(value); },
      [](core::future<uint64_t>& from) { return from.get().take(); });
}

double std_round_trip(const cores& on) {
  return round_trip<std::promise<uint64_t>>(
      on, [](std::promise<uint64_t>& to, uint64_t value) { to.set_value(value); },
      [](std::future<uint64_t>& from) { return from.get(); });
}

constexpr std::array<measurement, 4> all{{
    {"future-same-thread", "ours", our_same_thread},
    {"future-same-thread", "std::future", std_same_thread},
    {"future-round-trip", "ours", our_round_trip},
    {"future-round-trip", "std::future", std_round_trip},
}};

}  // namespace

std::span<const measurement> future_measurements() { return all; }

}  // namespace fasterapi::benchmark
