// Several threads of the main interpreter at one position: what one job's deadline does to its neighbours.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fasterapi/python/errc.h"
#include "fasterapi/python/executor.h"

namespace fasterapi::python {
namespace {

constexpr int64_t ms = 1'000'000;
constexpr int64_t patience_ns = 60'000 * ms;

std::unique_ptr<PythonExecutor> make(uint32_t threads) {
  auto made = PythonExecutor::create({threads});
  EXPECT_TRUE(made.ok()) << made.failure().message;
  return made.take();
}

template <typename T>
core::result<T> outcome(core::future<T> of) {
  EXPECT_TRUE(of.wait_for(patience_ns)) << "the work did not end";
  return of.get();
}

function_call execute(std::string code) { return {"builtins", "exec", {value(std::move(code)), value::dict({})}}; }

// Runs some Python code, in which an exception from outside would show.
bool runs_python() {
  const ref one = ref::steal(
      PyRun_StringFlags("sum(range(100)) - 4949", Py_eval_input, PyEval_GetBuiltins(), PyEval_GetBuiltins(), nullptr));
  return one && PyLong_AsLong(one.get()) == 1;
}

// A job that waits outside Python until it is told to go on, and then runs Python code.
struct patient_job {
  std::atomic<bool> begun = false;
  std::atomic<bool> go_on = false;

  core::future<bool> begin(PythonExecutor& on, destination where = destination::anywhere()) {
    auto done = on.submit(
        [this](const gil& held) {
          begun = true;
          {
            const GILRelease outside(held);
            while (!go_on.load()) std::this_thread::yield();
          }
          return runs_python();
        },
        {.where = where});
    while (!begun.load()) std::this_thread::yield();
    return done;
  }
};

TEST(MainThreads, RunSideBySideWhateverDestinationTheyHave) {
  const auto executor = make(3);
  patient_job first, second, third;
  auto one = first.begin(*executor);
  auto two = second.begin(*executor, destination::position(0));
  auto three = third.begin(*executor, destination::pool());
  for (patient_job* each : {&first, &second, &third}) each->go_on = true;
  EXPECT_TRUE(outcome(std::move(one)).value());
  EXPECT_TRUE(outcome(std::move(two)).value());
  EXPECT_TRUE(outcome(std::move(three)).value());
}

TEST(MainThreads, ADeadlineInterruptsItsOwnJobOnly) {
  const auto executor = make(3);
  patient_job neighbour;
  auto other = neighbour.begin(*executor);
  auto endless = executor->submit(execute("while True: pass"), {.timeout_ns = 20 * ms});
  EXPECT_EQ(outcome(std::move(endless)).failure().code, core::errc::timed_out);
  // The thread is free again once it was interrupted: then only the neighbour runs.
  while (executor->stats().running > 1) std::this_thread::yield();
  neighbour.go_on = true;
  EXPECT_TRUE(outcome(std::move(other)).value());
  EXPECT_EQ(executor->stats().replaced, 0U);
}

TEST(MainThreads, ADeadlineThatPassesAtTheEndHarmsNothingAfterIt) {
  const auto executor = make(2);
  const std::string code = "for _ in range(200000): pass";
  int late = 0;
  for (int round = 0; round < 90; ++round) {
    // Around the time that the code takes, on this machine or another: from far too little to more than enough.
    auto tight = executor->submit(execute(code), {.timeout_ns = (1 + round % 30) * ms / 4});
    auto next = executor->submit([](const gil&) { return runs_python(); });
    const auto ended = outcome(std::move(tight));
    if (!ended.ok()) ++late;
    EXPECT_TRUE(ended.ok() || ended.failure().code == core::errc::timed_out) << ended.failure().message;
    const auto unharmed = outcome(std::move(next));
    ASSERT_TRUE(unharmed.ok()) << unharmed.failure().message;
    ASSERT_TRUE(unharmed.value());
  }
  EXPECT_GT(late, 0);
}

TEST(MainThreads, NeighboursOfAStuckThreadEndAndWaitingJobsGoOn) {
  const auto executor = make(2);
  patient_job stuck, neighbour;
  auto never = executor->submit(
      [&](const gil& held) {
        stuck.begun = true;
        const GILRelease outside(held);
        while (!stuck.go_on.load()) std::this_thread::yield();
      },
      {.timeout_ns = 20 * ms});
  while (!stuck.begun.load()) std::this_thread::yield();
  auto other = neighbour.begin(*executor);
  auto waiting = executor->submit([](const gil&) { return runs_python(); });
  EXPECT_EQ(outcome(std::move(never)).failure().code, core::errc::timed_out);
  // Both threads are taken, so only those of a fresh lane can run it.
  EXPECT_TRUE(outcome(std::move(waiting)).value());
  EXPECT_EQ(executor->stats().replaced, 1U);
  neighbour.go_on = true;
  EXPECT_TRUE(outcome(std::move(other)).value());
  stuck.go_on = true;
  ASSERT_TRUE(executor->shutdown(shutdown_mode::drain, patience_ns).ok());
  EXPECT_EQ(executor->stats().stuck, 0U);
}

TEST(MainThreads, AllThatRunIsInterruptedAtTheEnd) {
  const auto executor = make(2);
  std::vector<core::future<value>> endless;
  for (int i = 0; i < 2; ++i) endless.push_back(executor->submit(execute("while True: pass")));
  while (executor->stats().running < 2) std::this_thread::yield();
  EXPECT_TRUE(executor->shutdown(shutdown_mode::cancel, 10 * ms).ok());
  for (auto& each : endless) EXPECT_EQ(outcome(std::move(each)).failure().message, "fasterapi.Interrupted");
}

}  // namespace
}  // namespace fasterapi::python
