// A coroutine that awaits three calls of Python at once; each runs in an interpreter of its own.

#include <fasterapi/core/awaitable_future.h>
#include <fasterapi/core/coro_task.h>
#include <fasterapi/core/sync_wait.h>
#include <fasterapi/python/executor.h>
#include <fasterapi/python/runtime.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

using namespace fasterapi;

constexpr const char* source = R"(
import hashlib

def digest(text, rounds):
    made = text.encode()
    for _ in range(rounds):
        made = hashlib.sha256(made).digest()
    return made.hex()
)";

core::future<python::value> digest(python::SubinterpreterExecutor& workers, const char* text) {
  return workers.submit({.module = "__main__", .qualname = "digest", .arguments = {text, 10'000}});
}

core::coro_task<std::string> three_digests(python::SubinterpreterExecutor& workers) {
  // All three are under way before the first is waited for.
  auto one = digest(workers, "one");
  auto two = digest(workers, "two");
  auto three = digest(workers, "three");
  CO_TRY(const python::value first, co_await core::make_awaitable(std::move(one)));
  CO_TRY(const python::value second, co_await core::make_awaitable(std::move(two)));
  CO_TRY(const python::value third, co_await core::make_awaitable(std::move(three)));
  co_return first.text() + "\n" + second.text() + "\n" + third.text() + "\n";
}

core::result<> run() {
  const auto python = TRY(python::runtime::start());
  python::SubinterpreterExecutor::Config plan;
  plan.num_pinned_workers = 3;
  plan.init.code = source;
  const auto workers = TRY(python::SubinterpreterExecutor::create(plan));
  std::cout << TRY(core::sync_wait(three_digests(*workers)));
  return workers->shutdown();
}

int main() {
  const auto done = run();
  if (!done.ok()) std::cerr << done.failure().message << '\n' << done.failure().detail;
  return done.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
