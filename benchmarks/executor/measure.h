#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace fasterapi::benchmark {

// The two cores that a measurement may use.
struct cores {
  int first;
  int second;
};

// One figure: what is measured, by whom it is offered, and how: nanoseconds of one operation, or bytes of memory.
struct measurement {
  const char* what;
  const char* by;
  double (*run)(const cores&);
};

std::span<const measurement> spsc_measurements();
std::span<const measurement> mpmc_measurements();
std::span<const measurement> future_measurements();
std::span<const measurement> python_measurements();

// Keeps the calling thread to one core, or to both.
inline void keep_to(std::initializer_list<int> allowed) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : allowed) CPU_SET(static_cast<size_t>(core), &set);
  sched_setaffinity(0, sizeof set, &set);
}

inline double now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// Makes the compiler believe that the value is used.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

inline double median_of(std::vector<double> figures) {
  const auto middle = figures.begin() + static_cast<std::ptrdiff_t>(figures.size() / 2);
  std::nth_element(figures.begin(), middle, figures.end());
  return *middle;
}

// The median of several runs of `batch`, which does `operations`: nanoseconds for one of them.
template <typename Batch>
double median_ns(size_t operations, Batch batch) {
  constexpr size_t runs = 9;
  batch();  // warm
  std::vector<double> times;
  for (size_t i = 0; i < runs; ++i) {
    const double begin = now_ns();
    batch();
    times.push_back((now_ns() - begin) / static_cast<double>(operations));
  }
  return median_of(std::move(times));
}

}  // namespace fasterapi::benchmark
