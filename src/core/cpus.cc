#include "core/cpus.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <utility>

namespace fasterapi::core {

namespace {

std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The process's cgroup v2 path ("0::/a/b"), or the root.
std::string cgroup_path() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "/";
}

// The tightest quota on the way from the process's cgroup to the root; 0 when there is none.
int quota_cpus() {
  int tightest = 0;
  const auto consider = [&tightest](int cpus) {
    if (cpus > 0 && (tightest == 0 || cpus < tightest)) tightest = cpus;
  };
  for (std::string path = cgroup_path();;) {
    consider(cpus_of_quota(read_line("/sys/fs/cgroup" + (path == "/" ? "" : path) + "/cpu.max")));
    const size_t slash = path.rfind('/');
    if (path.size() <= 1 || slash == std::string::npos) break;
    path.resize(std::max<size_t>(slash, 1));
  }
  const std::string quota = read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  if (!quota.empty() && quota[0] != '-') {
    consider(cpus_of_quota(quota + " " + read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us")));
  }
  return tightest;
}

}  // namespace

std::vector<int> allowed_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

int usable_cpus() {
  const int allowed = std::max(1, static_cast<int>(allowed_cpus().size()));
  const int quota = quota_cpus();
  return quota > 0 ? std::min(allowed, quota) : allowed;
}

int cpus_of_quota(std::string_view cpu_max) noexcept {
  long quota = 0;
  long period = 0;
  const char* end = cpu_max.data() + cpu_max.size();
  const auto first = std::from_chars(cpu_max.data(), end, quota);
  if (first.ec != std::errc{} || first.ptr == end) return 0;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc{} || quota <= 0 || period <= 0) return 0;
  return static_cast<int>((quota + period - 1) / period);
}

result<> pin_thread_to(int cpu) { return keep_thread_to({cpu}); }

result<> keep_thread_to(const std::vector<int>& cpus) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::string doing = "keep a worker to CPU";
  for (const int cpu : cpus) {
    CPU_SET(static_cast<size_t>(cpu), &mask);
    doing += cpu == cpus.front() ? " " : ", ";
    doing += std::to_string(cpu);
  }
  const int code = pthread_setaffinity_np(pthread_self(), sizeof mask, &mask);
  if (code != 0) return system_error(code, std::move(doing));
  return nothing{};
}

}  // namespace fasterapi::core
