#include "fasterapi/python/executor.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "fasterapi/python/errc.h"
#include "python/python_environment.h"

namespace fasterapi::python {
namespace {

constexpr int64_t ms = 1'000'000;
// Longer than anything here takes, and shorter than a test's own end.
constexpr int64_t patience_ns = 60'000 * ms;

std::unique_ptr<SubinterpreterExecutor> make(SubinterpreterExecutor::Config settings) {
  auto made = SubinterpreterExecutor::create(std::move(settings));
  EXPECT_TRUE(made.ok()) << made.failure().message;
  return made.take();
}

std::unique_ptr<PythonExecutor> make(const PythonExecutor::Config& settings) {
  auto made = PythonExecutor::create(settings);
  EXPECT_TRUE(made.ok()) << made.failure().message;
  return made.take();
}

template <typename T>
core::result<T> outcome(core::future<T> of) {
  EXPECT_TRUE(of.wait_for(patience_ns)) << "the work did not end";
  return of.get();
}

template <typename T>
T value_of(core::future<T> of) {
  core::result<T> got = outcome(std::move(of));
  EXPECT_TRUE(got.ok()) << got.failure().message << "\n" << got.failure().detail;
  return got.take();
}

function_call evaluate(std::string expression) {
  return {"builtins", "eval", {value(std::move(expression)), value::dict({})}};
}
function_call execute(std::string code) { return {"builtins", "exec", {value(std::move(code)), value::dict({})}}; }

int64_t interpreter_id(const gil& held) { return PyInterpreterState_GetID(held.interpreter()); }

// Both executors, and both ways of the second one.
enum class form { threads, threads_with_interpreters, pinned, pooled };

std::unique_ptr<basic_executor> make(form what, uint32_t workers, uint32_t queue_size = 10000) {
  switch (what) {
    case form::threads:
      return make(PythonExecutor::Config{workers, false, queue_size});
    case form::threads_with_interpreters:
      return make(PythonExecutor::Config{workers, true, queue_size});
    case form::pinned:
      return make(SubinterpreterExecutor::Config{.num_pinned_workers = workers, .queue_size = queue_size});
    case form::pooled:
      return make(SubinterpreterExecutor::Config{.num_pinned_workers = SubinterpreterExecutor::none,
                                                 .num_pooled_workers = workers,
                                                 .num_pooled_interpreters = (workers + 1) / 2,
                                                 .queue_size = queue_size});
  }
  return nullptr;
}

std::string name_of(form what) {
  const std::vector<std::string> names{"Threads", "ThreadsWithInterpreters", "Pinned", "Pooled"};
  return names[static_cast<size_t>(what)];
}

// Keeps a worker busy, without its GIL, until it is let go of.
class busy_worker {
 public:
  explicit busy_worker(basic_executor& executor, destination where = destination::anywhere())
      : done_(executor.submit(
            [this](const gil& held) {
              begun_ = true;
              const GILRelease outside(held);
              while (!over_.load()) std::this_thread::yield();
            },
            {.where = where})) {
    while (!begun_.load()) std::this_thread::yield();
  }
  ~busy_worker() {
    if (done_.valid()) let_go();
  }

  void let_go() {
    over_ = true;
    EXPECT_TRUE(outcome(std::move(done_)).ok());
  }

 private:
  std::atomic<bool> begun_ = false, over_ = false;
  core::future<core::nothing> done_;
};

class AnyExecutor : public testing::TestWithParam<form> {};

TEST_P(AnyExecutor, RunsCallablesWithTheToken) {
  const auto executor = make(GetParam(), 2);
  EXPECT_EQ(value_of(executor->submit([](const gil&) { return 6 * 7; })), 42);
  EXPECT_EQ(value_of(executor->submit([](const gil&) { return std::string("text"); })), "text");
  EXPECT_EQ(*value_of(executor->submit([](const gil&) { return std::make_unique<int>(7); })), 7);
  EXPECT_TRUE(outcome(executor->submit([](const gil&) {})).ok());
}

TEST_P(AnyExecutor, CallsPythonWithPlainValues) {
  const auto executor = make(GetParam(), 2);
  EXPECT_EQ(value_of(executor->submit({"math", "gcd", {12, 18}})), value(6));
  EXPECT_EQ(
      value_of(executor->submit(evaluate("[1, 'two', 3.0, None, {'a': (b'x', 2**70)}]"))),
      value::list(
          {1, "two", 3.0, value(),
           value::dict({{"a", value::tuple({value::bytes("x"), value::big_integer("1180591620717411303424")})}})}));
  EXPECT_EQ(value_of(executor->submit({"builtins", "dict.fromkeys", {value::list({"k"}), 1}})),
            value::dict({{"k", 1}}));
  EXPECT_EQ(value_of(executor->submit({"builtins", "sorted", {value::list({1, 3, 2})}, {{"reverse", true}}})),
            value::list({3, 2, 1}));
}

TEST_P(AnyExecutor, BringsExceptionsWithTheirTraceback) {
  const auto executor = make(GetParam(), 1);
  const auto raised = outcome(executor->submit(execute("def inner():\n  raise ValueError('not that')\ninner()")));
  ASSERT_FALSE(raised.ok());
  EXPECT_EQ(raised.failure().code, errc::raised);
  EXPECT_EQ(raised.failure().message, "ValueError: not that");
  EXPECT_NE(raised.failure().detail.find("in inner"), std::string::npos);
  const auto left = outcome(executor->submit([](const gil&) {
    PyErr_SetString(PyExc_KeyError, "left behind");
    return 1;
  }));
  EXPECT_EQ(left.failure().message, "KeyError: 'left behind'");
  EXPECT_EQ(outcome(executor->submit({"math", "no_such"})).failure().code, errc::not_found);
  EXPECT_EQ(outcome(executor->submit({"no_such_module", "f"})).failure().message,
            "ModuleNotFoundError: No module named 'no_such_module'");
  EXPECT_EQ(value_of(executor->submit({"math", "gcd", {4, 6}})), value(2));
}

TEST_P(AnyExecutor, SaysWhatCannotCross) {
  const auto executor = make(GetParam(), 1);
  const auto open = outcome(executor->submit(evaluate("object()")));
  ASSERT_FALSE(open.ok());
  EXPECT_EQ(open.failure().code, errc::not_plain);
}

TEST_P(AnyExecutor, CountsEveryTaskOnceAndKeepsThemApart) {
  constexpr int tasks = 2000;
  const auto executor = make(GetParam(), 3, tasks * 2);
  std::vector<std::atomic<int>> runs(tasks);
  std::vector<std::thread> producers;
  std::vector<std::vector<core::future<int>>> futures(2);
  for (int p = 0; p < 2; ++p) {
    producers.emplace_back([&, p] {
      for (int i = p; i < tasks; i += 2) {
        futures[static_cast<size_t>(p)].push_back(executor->submit(
            [&runs, i](const gil&) {
              runs[static_cast<size_t>(i)].fetch_add(1);
              return i;
            },
            {.urgency = static_cast<priority>(i % 3)}));
      }
    });
  }
  for (auto& each : producers) each.join();
  for (int p = 0; p < 2; ++p) {
    int i = p;
    for (auto& each : futures[static_cast<size_t>(p)]) {
      EXPECT_EQ(value_of(std::move(each)), i);
      i += 2;
    }
  }
  for (const auto& each : runs) EXPECT_EQ(each.load(), 1);
  const executor_stats stats = executor->stats();
  EXPECT_EQ(stats.executed, static_cast<uint64_t>(tasks));
  EXPECT_EQ(stats.failed, 0U);
  EXPECT_EQ(stats.queued, 0U);
  EXPECT_EQ(stats.queue_wait.count, static_cast<uint64_t>(tasks));
  EXPECT_EQ(stats.run_time.count, static_cast<uint64_t>(tasks));
  EXPECT_GE(stats.run_time.p99_ns, stats.run_time.p50_ns);
}

TEST_P(AnyExecutor, InterruptsPythonAtItsDeadline) {
  const auto executor = make(GetParam(), 1);
  const auto late = outcome(executor->submit(execute("while True: pass"), {.timeout_ns = 30 * ms}));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.failure().code, core::errc::timed_out);
  // The only worker is free again: the loop was ended, nothing was replaced.
  EXPECT_EQ(value_of(executor->submit({"math", "gcd", {4, 6}})), value(2));
  EXPECT_EQ(executor->stats().timed_out, 1U);
  EXPECT_EQ(executor->stats().replaced, 0U);
}

TEST_P(AnyExecutor, InterruptsCodeThatCatchesEverything) {
  const auto executor = make(GetParam(), 1);
  const auto late = outcome(executor->submit(execute("for _ in range(3):\n"
                                                     "  try:\n"
                                                     "    while True: pass\n"
                                                     "  except BaseException: pass"),
                                             {.timeout_ns = 20 * ms}));
  EXPECT_EQ(late.failure().code, core::errc::timed_out);
  EXPECT_EQ(value_of(executor->submit({"math", "gcd", {4, 6}})), value(2));
}

TEST_P(AnyExecutor, EndsWorkThatWaitsPastItsDeadline) {
  const auto executor = make(GetParam(), 1);
  busy_worker busy(*executor);
  std::atomic<bool> ran = false;
  const auto late = outcome(executor->submit([&](const gil&) { ran = true; }, {.timeout_ns = 20 * ms}));
  EXPECT_EQ(late.failure().code, core::errc::timed_out);
  busy.let_go();
  EXPECT_TRUE(outcome(executor->submit([](const gil&) {})).ok());
  EXPECT_FALSE(ran.load());
}

TEST_P(AnyExecutor, ReplacesAnInterpreterThatIsStuckInC) {
  const auto executor = make(GetParam(), 1);
  std::atomic<bool> release = false;
  std::atomic<bool> ended = false;
  auto stuck = executor->submit(
      [&](const gil& held) {
        // With the GIL where it is the worker's own; the main interpreter's is everybody's.
        std::optional<GILRelease> outside;
        if (interpreter_id(held) == 0) outside.emplace(held);
        while (!release.load()) std::this_thread::yield();
        ended = true;
      },
      {.timeout_ns = 20 * ms});
  EXPECT_EQ(outcome(std::move(stuck)).failure().code, core::errc::timed_out);
  EXPECT_EQ(value_of(executor->submit({"math", "gcd", {4, 6}})), value(2));
  EXPECT_FALSE(ended.load());
  EXPECT_EQ(executor->stats().replaced, 1U);
  EXPECT_EQ(executor->stats().stuck, 1U);
  release = true;
  ASSERT_TRUE(executor->shutdown(shutdown_mode::drain, patience_ns).ok());
  EXPECT_TRUE(ended.load());
  EXPECT_EQ(executor->stats().stuck, 0U);
}

TEST_P(AnyExecutor, DoesNotRunWhatWasCancelled) {
  const auto executor = make(GetParam(), 1);
  busy_worker busy(*executor);
  std::atomic<bool> ran = false;
  auto unwanted = executor->submit([&](const gil&) { ran = true; });
  EXPECT_TRUE(unwanted.cancel());
  busy.let_go();
  EXPECT_TRUE(outcome(executor->submit([](const gil&) {})).ok());
  EXPECT_FALSE(ran.load());
  EXPECT_EQ(outcome(std::move(unwanted)).failure().code, core::errc::cancelled);
  EXPECT_EQ(executor->stats().cancelled, 1U);
}

TEST_P(AnyExecutor, BoundsItsQueue) {
  const auto executor = make(GetParam(), 1, 3);
  busy_worker busy(*executor);
  std::vector<core::future<core::nothing>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(executor->submit([](const gil&) {}));
  EXPECT_EQ(outcome(executor->submit([](const gil&) {})).failure().code, core::errc::queue_full);
  EXPECT_FALSE(executor->try_submit([](const gil&) {}).has_value());
  EXPECT_EQ(executor->stats().rejected, 2U);
  EXPECT_EQ(executor->stats().queued, 3U);
  std::thread patient(
      [&] { EXPECT_TRUE(outcome(executor->submit([](const gil&) {}, {.full = when_full::wait})).ok()); });
  busy.let_go();
  patient.join();
  for (auto& each : waiting) EXPECT_TRUE(outcome(std::move(each)).ok());
}

TEST_P(AnyExecutor, DrainsOrCancelsAtItsEnd) {
  for (const auto mode : {shutdown_mode::drain, shutdown_mode::cancel}) {
    const auto executor = make(GetParam(), 1);
    busy_worker busy(*executor);
    std::atomic<int> ran = 0;
    std::vector<core::future<core::nothing>> waiting;
    for (int i = 0; i < 10; ++i) waiting.push_back(executor->submit([&](const gil&) { ++ran; }));
    std::thread ender([&] { EXPECT_TRUE(executor->shutdown(mode, patience_ns).ok()); });
    while (executor->try_submit([](const gil&) {}).has_value()) std::this_thread::yield();
    if (mode == shutdown_mode::cancel) {
      for (auto& each : waiting) EXPECT_EQ(outcome(std::move(each)).failure().code, core::errc::cancelled);
    }
    busy.let_go();
    ender.join();
    if (mode == shutdown_mode::drain) {
      for (auto& each : waiting) EXPECT_TRUE(each.ready());
      EXPECT_GE(ran.load(), 10);
    } else {
      EXPECT_LE(ran.load(), 1);
    }
    EXPECT_EQ(outcome(executor->submit([](const gil&) {})).failure().code, core::errc::shut_down);
  }
}

TEST_P(AnyExecutor, InterruptsWhatRunsAtItsEnd) {
  const auto executor = make(GetParam(), 1);
  auto endless = executor->submit(execute("while True: pass"));
  while (executor->stats().running == 0) std::this_thread::yield();
  EXPECT_TRUE(executor->shutdown(shutdown_mode::cancel, 10 * ms).ok());
  EXPECT_EQ(outcome(std::move(endless)).failure().message, "fasterapi.Interrupted");
}

INSTANTIATE_TEST_SUITE_P(Forms, AnyExecutor,
                         testing::Values(form::threads, form::threads_with_interpreters, form::pinned, form::pooled),
                         [](const auto& info) { return name_of(info.param); });

TEST(PythonExecutor, RunsInTheMainInterpreterOrInOthers) {
  const auto threads = make(PythonExecutor::Config{2});
  EXPECT_EQ(value_of(threads->submit(interpreter_id)), 0);
  const auto interpreters = make(PythonExecutor::Config{2, true});
  EXPECT_NE(value_of(interpreters->submit(interpreter_id)), 0);
}

TEST(SubinterpreterExecutor, SendsWorkToTheInterpreterThatIsMeant) {
  const auto executor = make(
      SubinterpreterExecutor::Config{.num_pinned_workers = 2, .num_pooled_workers = 3, .num_pooled_interpreters = 2});
  ASSERT_EQ(executor->pinned(), 2U);
  ASSERT_EQ(executor->positions(), 4U);
  std::set<int64_t> met;
  for (size_t i = 0; i < executor->positions(); ++i) {
    const int64_t first = value_of(executor->submit(interpreter_id, {.where = destination::position(i)}));
    EXPECT_EQ(value_of(executor->submit(interpreter_id, {.where = destination::position(i)})), first);
    met.insert(first);
  }
  EXPECT_EQ(met.size(), 4U);
  EXPECT_FALSE(outcome(executor->submit(interpreter_id, {.where = destination::position(4)})).ok());
  std::set<int64_t> pool;
  for (size_t i = 2; i < 4; ++i) {
    pool.insert(value_of(executor->submit(interpreter_id, {.where = destination::position(i)})));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(pool.contains(value_of(executor->submit(interpreter_id, {.where = destination::pool()}))));
  }
}

TEST(SubinterpreterExecutor, OverflowsToThePoolWhenPinnedWorkersAreBusy) {
  const auto executor = make(SubinterpreterExecutor::Config{.num_pinned_workers = 1, .num_pooled_workers = 1});
  const int64_t pinned = value_of(executor->submit(interpreter_id, {.where = destination::position(0)}));
  busy_worker busy(*executor, destination::position(0));
  EXPECT_NE(value_of(executor->submit(interpreter_id)), pinned);
  busy.let_go();
}

TEST(SubinterpreterExecutor, StealsOnlyWhatIsNotBound) {
  const auto executor = make(SubinterpreterExecutor::Config{.num_pinned_workers = 2});
  busy_worker busy(*executor, destination::position(0));
  auto bound = executor->submit(interpreter_id, {.where = destination::position(0)});
  std::vector<core::future<int64_t>> free;
  for (int i = 0; i < 20; ++i) free.push_back(executor->submit(interpreter_id));
  const int64_t other = value_of(executor->submit(interpreter_id, {.where = destination::position(1)}));
  for (auto& each : free) EXPECT_EQ(value_of(std::move(each)), other);
  EXPECT_FALSE(bound.ready());
  busy.let_go();
  EXPECT_NE(value_of(std::move(bound)), other);
}

TEST(SubinterpreterExecutor, RunsUrgentWorkFirstAndStarvesNone) {
  const auto executor = make(SubinterpreterExecutor::Config{.num_pinned_workers = 1});
  busy_worker busy(*executor);
  std::vector<priority> order;
  std::vector<core::future<core::nothing>> all;
  for (const auto urgency : {priority::low, priority::normal, priority::high}) {
    for (int i = 0; i < 100; ++i) {
      all.push_back(
          executor->submit([&order, urgency](const gil&) { order.push_back(urgency); }, {.urgency = urgency}));
    }
  }
  busy.let_go();
  for (auto& each : all) EXPECT_TRUE(outcome(std::move(each)).ok());
  ASSERT_EQ(order.size(), 300U);
  const auto among_first = [&](priority what) { return std::count(order.begin(), order.begin() + 100, what); };
  EXPECT_GT(among_first(priority::high), 60);
  EXPECT_GT(among_first(priority::normal), 10);
  EXPECT_GT(among_first(priority::low), 3);
}

TEST(SubinterpreterExecutor, PreparesEachInterpreter) {
  const auto executor = make(SubinterpreterExecutor::Config{
      .num_pinned_workers = 2, .init = {.module = "json", .code = "import sys\nprepared = 'json' in sys.modules"}});
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(
        value_of(executor->submit(evaluate("__import__('__main__').prepared"), {.where = destination::position(i)})),
        value(true));
  }
}

TEST(SubinterpreterExecutor, IsNotMadeWhenAnInterpreterCannotBePrepared) {
  const auto refused = SubinterpreterExecutor::create({.num_pinned_workers = 2, .init = {.module = "no_such_module"}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().message, "ModuleNotFoundError: No module named 'no_such_module'");
  EXPECT_FALSE(SubinterpreterExecutor::create({.num_pinned_workers = SubinterpreterExecutor::none}).ok());
  EXPECT_FALSE(
      SubinterpreterExecutor::create({.num_pinned_workers = 1, .num_pooled_workers = 1, .num_pooled_interpreters = 2})
          .ok());
  EXPECT_FALSE(SubinterpreterExecutor::create({.num_pinned_workers = 1, .queue_size = 0}).ok());
}

TEST(SubinterpreterExecutor, PinsItsThreads) {
  const auto executor = make(SubinterpreterExecutor::Config{.num_pinned_workers = 2, .pin_to_cores = true});
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(value_of(executor->submit(
                  [](const gil&) {
                    cpu_set_t mask;
                    sched_getaffinity(0, sizeof mask, &mask);
                    return CPU_COUNT(&mask);
                  },
                  {.where = destination::position(i)})),
              1);
  }
}

TEST(SubinterpreterExecutor, RunsPythonInParallel) {
  const auto executor = make(SubinterpreterExecutor::Config{.num_pinned_workers = 2});
  // Each waits, with its GIL, for the other to have begun.
  std::atomic<int> begun = 0;
  const auto meet = [&](const gil&) {
    ++begun;
    while (begun.load() < 2) std::this_thread::yield();
  };
  auto first = executor->submit(meet, {.where = destination::position(0)});
  auto second = executor->submit(meet, {.where = destination::position(1)});
  EXPECT_TRUE(outcome(std::move(first)).ok());
  EXPECT_TRUE(outcome(std::move(second)).ok());
}

TEST(SubinterpreterExecutor, LosesNothingWhenItEndsAtAnyPoint) {
  for (int round = 0; round < 12; ++round) {
    const auto executor = make(SubinterpreterExecutor::Config{.num_pinned_workers = 1, .num_pooled_workers = 2});
    std::atomic<uint64_t> ran = 0;
    std::atomic<bool> go_on = true;
    std::vector<core::future<core::nothing>> futures;
    std::thread producer([&] {
      while (go_on.load() && futures.size() < 50'000) futures.push_back(executor->submit([&](const gil&) { ++ran; }));
    });
    while (ran.load() < static_cast<uint64_t>(round) * 20) std::this_thread::yield();
    const auto mode = round % 2 == 0 ? shutdown_mode::drain : shutdown_mode::cancel;
    ASSERT_TRUE(executor->shutdown(mode, patience_ns).ok());
    go_on = false;
    producer.join();
    uint64_t succeeded = 0;
    for (auto& each : futures) {
      core::result<core::nothing> got = outcome(std::move(each));
      if (got.ok()) {
        ++succeeded;
      } else {
        EXPECT_TRUE(got.failure().code == core::errc::shut_down || got.failure().code == core::errc::queue_full ||
                    (mode == shutdown_mode::cancel && got.failure().code == core::errc::cancelled))
            << got.failure().message;
      }
    }
    EXPECT_EQ(succeeded, ran.load());
    EXPECT_EQ(executor->stats().executed, ran.load());
    EXPECT_EQ(executor->stats().queued, 0U);
  }
}

}  // namespace
}  // namespace fasterapi::python
