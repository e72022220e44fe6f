// Python on every core of a C++ program: counts the primes below a number, a slice on each of the interpreters.

#include <fasterapi/python/executor.h>
#include <fasterapi/python/runtime.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>

using namespace fasterapi;

constexpr const char* source = R"(
def count_primes(first, last):
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(max(first, 2), last))
)";

core::result<int64_t> count(python::SubinterpreterExecutor& workers, int64_t below) {
  constexpr int64_t slice = 5000;
  std::vector<core::future<python::value>> counting;
  for (int64_t first = 0; first < below; first += slice) {
    const int64_t last = first + slice < below ? first + slice : below;
    counting.push_back(workers.submit({.module = "__main__", .qualname = "count_primes", .arguments = {first, last}}));
  }
  int64_t all = 0;
  for (auto& each : counting) {
    const python::value found = TRY(each.get());
    all += found.integer();
  }
  return all;
}

core::result<> run(int64_t below) {
  const auto python = TRY(python::runtime::start());
  python::SubinterpreterExecutor::Config plan;
  plan.init.code = source;
  const auto workers = TRY(python::SubinterpreterExecutor::create(plan));
  const int64_t primes = TRY(count(*workers, below));
  std::cout << primes << " primes below " << below << ", counted by " << workers->positions() << " interpreters\n";
  return workers->shutdown();
}

int main(int count, char** arguments) {
  const auto done = run(count > 1 ? std::atoll(arguments[1]) : 100'000);
  if (!done.ok()) std::cerr << done.failure().message << '\n' << done.failure().detail;
  return done.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
