#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace fasterapi::core {

// What the kernel has counted for the calling thread since it began (getrusage(2), RUSAGE_THREAD): about 0.2 us.
struct thread_usage {
  int64_t cpu_ns = 0;  // without what the host of a virtual machine took away, where the kernel knows of that
  int64_t pauses = 0;  // how often it gave up its CPU by itself, to wait for something

  static thread_usage now() noexcept {
    rusage used{};
    getrusage(RUSAGE_THREAD, &used);
    const auto as_ns = [](const timeval& span) { return int64_t{span.tv_sec} * 1'000'000'000 + span.tv_usec * 1'000; };
    return {as_ns(used.ru_utime) + as_ns(used.ru_stime), used.ru_nvcsw};
  }
};

}  // namespace fasterapi::core
