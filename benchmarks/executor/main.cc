#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string_view>
#include <vector>

#include "measure.h"

// executor_bench WHAT BY FIRST_CORE SECOND_CORE: prints one figure: nanoseconds, or bytes of memory.
// executor_bench --list: prints what there is, one "WHAT<tab>BY" a line.

namespace boost {
// What Boost calls instead of throwing.
[[noreturn]] void throw_exception(const std::exception&) { std::abort(); }
}  // namespace boost

namespace {

using fasterapi::benchmark::measurement;

std::vector<measurement> everything() {
  std::vector<measurement> all;
  const auto add = [&all](std::span<const measurement> part) { all.insert(all.end(), part.begin(), part.end()); };
  add(fasterapi::benchmark::spsc_measurements());
  add(fasterapi::benchmark::mpmc_measurements());
  add(fasterapi::benchmark::future_measurements());
#if defined(FASTERAPI_EMBEDS_PYTHON)
  add(fasterapi::benchmark::python_measurements());
#endif
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
    std::printf("%.3f\n", one.run({std::atoi(words[3]), std::atoi(words[4])}));
    return 0;
  }
  std::fprintf(stderr, "executor_bench: no '%s' by '%s'\n", words[1], words[2]);
  return 2;
}
