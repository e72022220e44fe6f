#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <vector>

#include "measure.h"

// executor_bench WHAT BY FIRST_CORE SECOND_CORE: prints one figure, in nanoseconds.
// executor_bench --list: prints what there is, one "WHAT<tab>BY" a line.

namespace boost {
// What Boost calls instead of throwing.
[[noreturn]] void throw_exception(const std::exception&) { std::abort(); }
}  // namespace boost

namespace {

using fasterapi::benchmark::measurement;

std::vector<measurement> everything() {
  std::vector<measurement> all;
  for (const auto& part : {fasterapi::benchmark::spsc_measurements(), fasterapi::benchmark::mpmc_measurements(),
                           fasterapi::benchmark::future_measurements()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace

int main(int count, char** words) {
  if (count == 2 && std::string_view(words[1]) == "--list") {
    for (const measurement& one : everything()) std::printf("%s\t%s\n", one.what, one.by);
    return 0;
  }
  if (count != 5) {
    std::fprintf(stderr, "usage: executor_bench WHAT BY FIRST_CORE SECOND_CORE | --list\n");
    return 2;
  }
  for (const measurement& one : everything()) {
    if (one.what != std::string_view(words[1]) || one.by != std::string_view(words[2])) continue;
    const double ns = one.run({std::atoi(words[3]), std::atoi(words[4])});
    std::printf("%.3f\n", ns);
    return ns < 0 ? 1 : 0;
  }
  std::fprintf(stderr, "executor_bench: no '%s' by '%s'\n", words[1], words[2]);
  return 2;
}
