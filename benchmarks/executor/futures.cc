#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "fasterapi/core/atomics.h"
#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/future.h"
#include "fasterapi/core/sync_wait.h"
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

core::coro_task<uint64_t> give(uint64_t number) { co_return number; }

core::coro_task<uint64_t> call_all(uint64_t times) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i < times; ++i) sum += (co_await give(i)).take();
  co_return sum;
}

core::coro_task<uint64_t> await_all(std::vector<core::coro_task<uint64_t>> tasks) {
  uint64_t sum = 0;
  for (auto& task : tasks) sum += (co_await std::move(task)).take();
  co_return sum;
}

// Makes a coroutine, awaits it, and has its result.
double coroutine_call(const cores& on) {
  constexpr uint64_t times = 500'000;
  keep_to({on.first});
  return median_ns(times, [] { keep(core::sync_wait(call_all(times)).take()); });
}

// From one coroutine to another that was made before, or back.
double coroutine_switch(const cores& on) {
  constexpr uint64_t tasks_at_once = 2000;
  constexpr size_t runs = 400;
  keep_to({on.first});
  std::vector<double> times;
  for (size_t run = 0; run < runs; ++run) {
    std::vector<core::coro_task<uint64_t>> tasks;
    tasks.reserve(tasks_at_once);
    for (uint64_t number = 0; number < tasks_at_once; ++number) tasks.push_back(give(number));
    const double begin = now_ns();
    keep(core::sync_wait(await_all(std::move(tasks))).take());
    times.push_back((now_ns() - begin) / (2 * tasks_at_once));
  }
  return median_of(std::move(times));
}

constexpr std::array<measurement, 6> all{{
    {"coroutine-switch", "ours", coroutine_switch},
    {"coroutine-call", "ours", coroutine_call},
    {"future-same-thread", "ours", our_same_thread},
    {"future-same-thread", "std::future", std_same_thread},
    {"future-round-trip", "ours", our_round_trip},
    {"future-round-trip", "std::future", std_round_trip},
}};

}  // namespace

std::span<const measurement> future_measurements() { return all; }

}  // namespace fasterapi::benchmark
