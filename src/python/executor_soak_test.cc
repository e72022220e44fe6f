#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "fasterapi/python/errc.h"
#include "fasterapi/python/executor.h"

// What many tasks that fail in every way must leave behind: nothing lost, nothing twice, nothing stuck, no memory.

namespace fasterapi::python {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

constexpr int64_t ms = 1'000'000;
constexpr int64_t patience_ns = 60'000 * ms;

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  double total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

enum class fate { returns, raises, late, stuck, cancelled };

struct errand {
  fate meant = fate::returns;
  core::future<value> future;
};

class soak {
 public:
  soak(basic_executor& executor, uint32_t seed) : executor_(executor), random_(seed) {}

  void submit() {
    const int dice = static_cast<int>(random_() % 100);
    if (dice < 70) return add(fate::returns, {"math", "gcd", {12, 18}}, 0);
    if (dice < 80) return add(fate::raises, {"math", "sqrt", {-1}}, 0);
    if (dice < 92) return add(fate::cancelled, {"math", "gcd", {4, 6}}, 0);
    if (dice < 99) {
      return add(fate::late, {"builtins", "exec", {"while True: pass", value::dict({})}},
                 int64_t(1 + random_() % 5) * ms);
    }
    // Half a second in C that nothing can interrupt.
    add(fate::stuck, {"time", "sleep", {0.5}}, 5 * ms);
  }

  // Every errand has ended in the way that was meant for it; how many they were.
  size_t settle() {
    for (errand& each : errands_) {
      EXPECT_TRUE(each.future.wait_for(patience_ns)) << "a task was lost";
      const core::result<value> got = each.future.get();
      const std::error_code code = got.ok() ? std::error_code() : got.failure().code;
      switch (each.meant) {
        case fate::returns:
          EXPECT_TRUE(got.ok()) << got.failure().message;
          break;
        case fate::raises:
          EXPECT_EQ(code, errc::raised);
          break;
        case fate::late:
        case fate::stuck:
          EXPECT_EQ(code, core::errc::timed_out);
          break;
        case fate::cancelled:
          EXPECT_TRUE(got.ok() || code == core::errc::cancelled) << got.failure().message;
          break;
      }
    }
    return errands_.size();
  }

 private:
  void add(fate meant, function_call what, int64_t timeout_ns) {
    errand made{meant, executor_.submit(std::move(what), {.urgency = static_cast<priority>(random_() % 3),
                                                          .timeout_ns = timeout_ns,
                                                          .full = when_full::wait})};
    if (meant == fate::cancelled) made.future.cancel();
    errands_.push_back(std::move(made));
  }

  basic_executor& executor_;
  std::mt19937 random_;
  std::vector<errand> errands_;
};

TEST(ExecutorSoak, LosesNothingAmongDeadlinesFailuresAndCancellations) {
  auto made = SubinterpreterExecutor::create({.num_pinned_workers = 2,
                                              .num_pooled_workers = 3,
                                              .num_pooled_interpreters = 2,
                                              .queue_size = 64,
                                              .stuck_after_ns = 100 * ms});
  ASSERT_TRUE(made.ok()) << made.failure().message;
  const auto executor = made.take();
  constexpr size_t each = sanitized ? 150 : 500;
  std::vector<std::thread> producers;
  std::atomic<size_t> settled = 0;
  for (uint32_t seed = 0; seed < 3; ++seed) {
    producers.emplace_back([&, seed] {
      soak errands(*executor, seed);
      for (size_t i = 0; i < each; ++i) errands.submit();
      settled += errands.settle();
    });
  }
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(settled.load(), 3 * each);
  ASSERT_TRUE(executor->shutdown(shutdown_mode::drain, patience_ns).ok());
  const executor_stats stats = executor->stats();
  EXPECT_EQ(stats.queued, 0U);
  EXPECT_EQ(stats.running, 0U);
  EXPECT_EQ(stats.stuck, 0U);
  // Every task was run to its end or given up before it began, and was counted as one of both.
  EXPECT_GE(stats.executed + stats.cancelled + stats.timed_out, 3 * each);
  EXPECT_LE(stats.executed + stats.cancelled, 3 * each);
}

TEST(ExecutorSoak, KeepsNoMemoryOfTasks) {
  auto made = SubinterpreterExecutor::create({.num_pinned_workers = 2});
  ASSERT_TRUE(made.ok()) << made.failure().message;
  const auto executor = made.take();
  const auto run = [&](int tasks) {
    std::vector<core::future<value>> futures;
    for (int i = 0; i < tasks; ++i) {
      futures.push_back(executor->submit({"builtins", "sorted", {value::list({i, 2, 1})}}, {.full = when_full::wait}));
      if (futures.size() < 1000) continue;
      for (auto& each : futures) EXPECT_TRUE(each.get().ok());
      futures.clear();
    }
    for (auto& each : futures) EXPECT_TRUE(each.get().ok());
  };
  run(20'000);
  const double before_mb = resident_mb();
  run(sanitized ? 20'000 : 100'000);
  if (!sanitized) {
    EXPECT_LT(resident_mb() - before_mb, 3);
  }
}

// CPython loses 1.7 MB with each interpreter that has ended (its private heap stays pinned by immortal strings).
TEST(ExecutorSoak, TwoHundredInterpretersLeakNoMoreThanPythonDoes) {
  constexpr double leak_of_python_mb = 1.7;
  constexpr int cycles = sanitized ? 10 : 100;
  const auto cycle = [] {
    auto made = SubinterpreterExecutor::create({.num_pinned_workers = 2});
    ASSERT_TRUE(made.ok()) << made.failure().message;
    auto ran = made.value()->submit({"math", "gcd", {4, 6}}).get();
    EXPECT_TRUE(ran.ok());
    ASSERT_TRUE(made.value()->shutdown(shutdown_mode::drain, patience_ns).ok());
  };
  for (int i = 0; i < 5; ++i) cycle();
  const double before_mb = resident_mb();
  for (int i = 0; i < cycles; ++i) cycle();
  if (!sanitized) {
    EXPECT_LT(resident_mb() - before_mb, 2 * cycles * leak_of_python_mb * 1.25);
  }
}

}  // namespace
}  // namespace fasterapi::python
