#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fasterapi::core {

// The CPUs that a process may use, by NUMA node. Memory is nearest to the CPUs of its own node.
struct topology {
  std::vector<std::vector<int>> nodes;  // at least one; each with its CPUs, ascending

  // As the kernel tells it in `root` (node0/cpulist, node1/cpulist, …), of `allowed` CPUs only. One node with all of
  // them where there is nothing to read.
  static topology read(const std::vector<int>& allowed, const std::string& root = "/sys/devices/system/node");

  // The node of a CPU; 0 when it is in none.
  int node_of(int cpu) const noexcept;
};

// The numbers of a kernel's list: "0-3,8" is 0, 1, 2, 3, 8. What is not understood is left out.
std::vector<int> parse_cpu_list(std::string_view list);

}  // namespace fasterapi::core
