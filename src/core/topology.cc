#include "core/topology.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace fasterapi::core {

namespace {

bool parse_number(std::string_view& text, int& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

}  // namespace

std::vector<int> parse_cpu_list(std::string_view list) {
  constexpr int cpu_max = 65536;
  std::vector<int> cpus;
  while (!list.empty()) {
    std::string_view range = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), range.size() + 1));
    int first;
    if (!parse_number(range, first)) continue;
    int last = first;
    if (range.starts_with('-')) {
      range.remove_prefix(1);
      if (!parse_number(range, last)) continue;
    }
    for (int cpu = first; cpu <= std::min(last, cpu_max); ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

topology topology::read(const std::vector<int>& allowed, const std::string& root) {
  topology machine;
  std::error_code failure;
  std::vector<std::pair<int, std::vector<int>>> found;
  for (const auto& entry : std::filesystem::directory_iterator(root, failure)) {
    const std::string name = entry.path().filename();
    std::string_view number = name;
    int node;
    if (!number.starts_with("node")) continue;
    number.remove_prefix(4);
    if (!parse_number(number, node) || !number.empty()) continue;
    std::ifstream file(entry.path() / "cpulist");
    std::string list;
    std::getline(file, list);
    std::vector<int> cpus;
    for (const int cpu : parse_cpu_list(list)) {
      if (std::find(allowed.begin(), allowed.end(), cpu) != allowed.end()) cpus.push_back(cpu);
    }
    if (!cpus.empty()) found.emplace_back(node, std::move(cpus));
  }
  std::sort(found.begin(), found.end());
  for (auto& [node, cpus] : found) machine.nodes.push_back(std::move(cpus));
  if (machine.nodes.empty()) machine.nodes.push_back(allowed);
  return machine;
}

int topology::node_of(int cpu) const noexcept {
  for (size_t node = 0; node < nodes.size(); ++node) {
    if (std::binary_search(nodes[node].begin(), nodes[node].end(), cpu)) return static_cast<int>(node);
  }
  return 0;
}

}  // namespace fasterapi::core
