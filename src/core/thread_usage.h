#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <ctime>

namespace fasterapi::core {

// What the kernel has counted for the calling thread since it began (getrusage(2), RUSAGE_THREAD): about 0.2 us.
struct thread_usage {
  // Without what the host of a virtual machine took away, where the kernel knows of that. As of the last time that the
  // kernel looked, which is up to a tick (1 to 10 ms) ago.
  int64_t cpu_ns = 0;
  int64_t pauses = 0;  // how often it gave up its CPU by itself, to wait for something

  static thread_usage now() noexcept {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    const auto as_ns = [](const timeval& span) { return int64_t{span.tv_sec} * 1'000'000'000 + span.tv_usec * 1'000; };
    return {as_ns(used.ru_utime) + as_ns(used.ru_stime), used.ru_nvcsw};
  }
};

// The CPU time of the calling thread until now, in ns (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID): about 0.4 us.
inline int64_t thread_cpu_ns() noexcept {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

}  // namespace fasterapi::core
