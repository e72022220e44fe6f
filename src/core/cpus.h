#pragma once

#include <string_view>
#include <vector>

#include "fasterapi/core/result.h"

namespace fasterapi::core {

// The CPUs this process may run on (its affinity mask), ascending.
std::vector<int> allowed_cpus();

// How many workers keep the machine busy: allowed CPUs, capped by the cgroup's CPU quota (rounded up), at least 1.
int usable_cpus();

// The CPUs that a cgroup quota amounts to, rounded up; 0 when there is none or the text is not understood.
// `cpu_max` is the content of cgroup v2's cpu.max: "max 100000" or "150000 100000" (microseconds).
int cpus_of_quota(std::string_view cpu_max) noexcept;

// Binds the calling thread to one CPU, or to several.
result<> pin_thread_to(int cpu);
result<> keep_thread_to(const std::vector<int>& cpus);

}  // namespace fasterapi::core
