#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "fasterapi/python/executor.h"
#include "fasterapi/python/gil.h"
#include "fasterapi/python/interpreter.h"
#include "fasterapi/python/runtime.h"
#include "measure.h"

namespace fasterapi::benchmark {

namespace {

using python::gil;
using python::SubinterpreterExecutor;

// A benchmark has nobody to give an error to.
template <typename T>
T must(core::result<T> made) {
  if (!made.ok()) {
    std::fprintf(stderr, "executor_bench: %s\n", made.failure().message.c_str());
    std::exit(1);
  }
  return made.take();
}

std::unique_ptr<SubinterpreterExecutor> executor_of(uint32_t workers) {
  return must(SubinterpreterExecutor::create({.num_pinned_workers = workers}));
}

constexpr auto nothing = [](const gil&) { return 0; };

// What submitting costs the caller, while one worker takes the jobs.
double dispatch(const cores& on) {
  constexpr size_t jobs = 5000;
  const auto started = must(python::runtime::start());
  keep_to({on.second});
  const auto executor = executor_of(1);  // its threads keep to this core
  keep_to({on.first});
  std::vector<core::future<int>> futures;
  std::vector<double> times;
  for (int round = 0; round < 9; ++round) {
    futures.clear();
    futures.reserve(jobs);
    const double begin = now_ns();
    for (size_t i = 0; i < jobs; ++i) futures.push_back(executor->submit(nothing));
    times.push_back((now_ns() - begin) / jobs);
    for (auto& future : futures) keep(must(future.get()));
  }
  return median_of(std::move(times));
}

// Submits a call that does nothing and waits for its result. The worker is awake: it had one a moment ago.
double round_trip_awake(const cores& on) {
  constexpr size_t trips = 5000;
  const auto started = must(python::runtime::start());
  keep_to({on.second});
  const auto executor = executor_of(1);
  keep_to({on.first});
  return median_ns(trips, [&] {
    for (size_t i = 0; i < trips; ++i) keep(must(executor->submit(nothing).get()));
  });
}

// The same with a worker that went to sleep in between.
double round_trip_asleep(const cores& on) {
  constexpr size_t trips = 300;
  const auto started = must(python::runtime::start());
  keep_to({on.second});
  const auto executor = executor_of(1);
  keep_to({on.first});
  std::vector<double> times;
  for (size_t i = 0; i < trips; ++i) {
    usleep(1000);  // many times as long as a worker looks for work before it sleeps
    const double begin = now_ns();
    keep(must(executor->submit(nothing).get()));
    times.push_back(now_ns() - begin);
  }
  return median_of(std::move(times));
}

// Enters an interpreter of this thread's own that nobody else wants, and leaves it.
double attach_own(const cores& on) {
  constexpr size_t times = 200'000;
  const auto started = must(python::runtime::start());
  keep_to({on.first});
  python::interpreter own = must(python::interpreter::create());
  PyThreadState* const state = PyEval_SaveThread();
  const double ns = median_ns(times, [&] {
    for (size_t i = 0; i < times; ++i) {
      const python::GILGuard held(state);
      keep(held.token().thread());
    }
  });
  PyEval_RestoreThread(state);
  own.end();
  return ns;
}

double attach_by_pygilstate(const cores& on, bool keeps_thread_state) {
  constexpr size_t times = 50'000;
  const auto started = must(python::runtime::start());
  keep_to({on.first});
  double ns = 0;
  std::thread([&] {  // a thread that Python does not know, as of a C++ program
    keep_to({on.first});
    PyThreadState* kept = nullptr;
    PyGILState_STATE outer{};
    if (keeps_thread_state) {
      outer = PyGILState_Ensure();
      kept = PyEval_SaveThread();
    }
    ns = median_ns(times, [&] {
      for (size_t i = 0; i < times; ++i) {
        const PyGILState_STATE state = PyGILState_Ensure();
        keep(state);
        PyGILState_Release(state);
      }
    });
    if (keeps_thread_state) {
      PyEval_RestoreThread(kept);
      PyGILState_Release(outer);
    }
  })
      .join();
  return ns;
}

double attach_pygilstate(const cores& on) { return attach_by_pygilstate(on, false); }
double attach_pygilstate_kept(const cores& on) { return attach_by_pygilstate(on, true); }

double resident_bytes() {
  FILE* file = std::fopen("/proc/self/statm", "r");
  long total = 0;
  long resident = 0;
  if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) std::abort();
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Memory of an interpreter that has imported nothing yet, in bytes.
double memory_of_interpreter(const cores&) {
  constexpr size_t interpreters = 10;
  const auto started = must(python::runtime::start());
  std::vector<std::pair<python::interpreter, PyThreadState*>> all;
  const auto add = [&] {
    python::interpreter made = must(python::interpreter::create());
    PyThreadState* const state = PyEval_SaveThread();
    all.emplace_back(std::move(made), state);
  };
  add();  // the first one brings what all share
  const double before = resident_bytes();
  for (size_t i = 0; i < interpreters; ++i) add();
  const double grown = resident_bytes() - before;
  for (auto& [one, state] : all) {
    PyEval_RestoreThread(state);
    one.end();
  }
  return grown / interpreters;
}

constexpr std::array<measurement, 7> all_measurements{{
    {"dispatch", "ours", dispatch},
    {"round-trip-awake", "ours", round_trip_awake},
    {"round-trip-asleep", "ours", round_trip_asleep},
    {"attach", "ours", attach_own},
    {"attach", "PyGILState", attach_pygilstate},
    {"attach", "PyGILState, thread state kept", attach_pygilstate_kept},
    {"memory", "ours", memory_of_interpreter},
}};

}  // namespace

std::span<const measurement> python_measurements() { return all_measurements; }

}  // namespace fasterapi::benchmark
