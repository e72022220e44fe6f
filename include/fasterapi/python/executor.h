#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fasterapi/core/executor.h"
#include "fasterapi/core/future.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"
#include "fasterapi/python/job.h"
#include "fasterapi/python/scheduling.h"
#include "fasterapi/python/value.h"

namespace fasterapi::python {

class crew;

// A Python function by its names, and what it is called with. The result is its value; a dict of it that is not plain
// (objects of classes, open files, …) is an error.
struct function_call {
  std::string module;    // imported where it is not yet
  std::string qualname;  // "function", "Class.method"
  std::vector<value> arguments = {};
  std::vector<std::pair<std::string, value>> keywords = {};
};

// How a job is to be run.
struct submit_options {
  destination where = destination::anywhere();
  priority urgency = priority::normal;
  int64_t timeout_ns = 0;  // from submission to the end; 0: none
  when_full full = when_full::fail;
};

// What is made in each interpreter of its own before it takes work: the imports that every job needs, paid for once.
struct interpreter_init {
  std::vector<std::string> python_path = {};  // sys.path; empty: as the main interpreter's is
  std::string module = {};                    // to be imported
  std::string code = {};                      // to be run in __main__
};

namespace detail {

// The exception that work left pending, as an error; it is pending no more.
std::optional<core::error> take_pending(const gil& held);

template <typename T>
struct unwrapped {
  using type = T;
};
template <>
struct unwrapped<void> {
  using type = core::nothing;
};
template <typename T>
struct unwrapped<core::result<T>> {
  using type = T;
};
template <typename F>
using outcome_of = typename unwrapped<std::invoke_result_t<F&, const gil&>>::type;

// Work, its promise and its future in one allocation.
template <typename F>
class callable_job final : public job, public core::future_state<outcome_of<F>> {
 public:
  using outcome = outcome_of<F>;

  explicit callable_job(F work) : work_(std::move(work)) {}

  bool run(const gil& held, place&) noexcept override {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, const gil&>>) {
      (*work_)(held);
      made_.emplace(core::nothing{});
    } else {
      made_.emplace((*work_)(held));
    }
    work_.reset();
    if (auto raised = take_pending(held); raised && made_->ok()) made_.emplace(std::move(*raised));
    return made_->ok();
  }
  void publish() noexcept override { this->complete_first(std::move(*made_)); }
  void abandon(core::error why) noexcept override { this->complete_first(std::move(why)); }
  bool unwanted() const noexcept override { return this->cancelled(); }
  void retain() noexcept override { core::shared_state::retain(); }
  void release() noexcept override { core::shared_state::release(); }

 private:
  std::optional<F> work_;
  std::optional<core::result<outcome>> made_;
};

}  // namespace detail

// What both executors can do. Work runs on their threads, attached to an interpreter, whose GIL it holds: it lets go of
// it (GILRelease) where it waits. A continuation that is given no executor runs on such a thread too, and must not
// wait.
//
// Threads: every member may be called by any thread. Those that wait (shutdown, submission with when_full::wait) must
// be called attached to no interpreter, or the work they wait for may wait for them.
class basic_executor : public core::executor {
 public:
  // Ends it as shutdown(cancel, 5 s) does, if that was not called. Not attached.
  ~basic_executor() override;
  basic_executor(basic_executor&&) noexcept = delete;

  // Runs `work`, a callable that takes the token and returns a T, a core::result<T> or nothing. A Python exception that
  // it leaves pending fails the future (errc::raised). Work is not begun when the future was cancelled before; it fails
  // with core::errc::queue_full, shut_down or timed_out where that happens.
  template <typename F>
  core::future<detail::outcome_of<F>> submit(F work, const submit_options& how = {}) {
    auto* made = new detail::callable_job<F>(std::move(work));
    made->retain();
    auto future = core::future<detail::outcome_of<F>>::adopt(made);
    hand_over(*made, how);
    return future;
  }
  template <typename F>
  core::future<detail::outcome_of<F>> submit_timeout(F work, int64_t timeout_ns) {
    return submit(std::move(work), {.timeout_ns = timeout_ns});
  }
  // None, with `work` dropped, where the queue is full or the executor is shut down.
  template <typename F>
  std::optional<core::future<detail::outcome_of<F>>> try_submit(F work, const submit_options& how = {}) {
    auto* made = new detail::callable_job<F>(std::move(work));
    made->retain();
    auto future = core::future<detail::outcome_of<F>>::adopt(made);
    if (!try_hand_over(*made, how)) return std::nullopt;
    return future;
  }
  // Each on its own, in their order; what does not fit into the queue fails with queue_full.
  template <typename F>
  std::vector<core::future<detail::outcome_of<F>>> submit_batch(std::vector<F> batch, const submit_options& how = {}) {
    std::vector<core::future<detail::outcome_of<F>>> futures;
    futures.reserve(batch.size());
    for (F& each : batch) futures.push_back(submit(std::move(each), how));
    return futures;
  }

  // Calls a Python function: its result as a plain value, or what it raised (errc::raised, not_found, not_plain).
  core::future<value> submit(function_call what, const submit_options& how = {});

  // Work of the caller's own making. Its reference is the executor's on success, and still the caller's otherwise.
  core::result<> submit_job(job& work, const submit_options& how = {});

  // As submit() with no options: `work` runs attached. False where it is not taken.
  bool post(core::task work) noexcept override;

  executor_stats stats() const;
  // Interpreters that work may be sent to by destination::position(0 … positions() - 1).
  size_t positions() const noexcept;

  // Ends it. Work is refused from now on; what waits is run or cancelled. What runs is waited for up to `patience_ns`
  // (-1: for as long as it takes), then interrupted, and after another second left to itself: an error then, and the
  // process should end by _exit(), because its threads never may.
  core::result<> shutdown(shutdown_mode mode = shutdown_mode::drain, int64_t patience_ns = -1);

 protected:
  explicit basic_executor(std::shared_ptr<crew> of) noexcept;

  // For bindings in this library: the workers themselves.
  friend class executor_access;
  crew& workers() const noexcept { return *crew_; }

 private:
  void hand_over(job& work, const submit_options& how);
  bool try_hand_over(job& work, const submit_options& how);

  const std::shared_ptr<crew> crew_;
};

// Threads in the main interpreter, which take turns at its GIL: for work that waits outside Python, and for packages
// that refuse other interpreters.
class PythonExecutor final : public basic_executor {
 public:
  // What it is made of.
  struct Config {
    uint32_t num_workers = 0;                // 0: usable CPUs
    bool use_subinterpreters = false;        // each worker has an interpreter of its own, as in SubinterpreterExecutor
    uint32_t queue_size = 10000;             // jobs that may wait
    int64_t stuck_after_ns = 1'000'000'000;  // how long past its deadline code may run before others take its place
  };

  // An error where the system has not all the threads to give. Python must be initialised (python::runtime). Not
  // attached.
  static core::result<std::unique_ptr<PythonExecutor>> create(const Config& settings);

 private:
  using basic_executor::basic_executor;
};

// Interpreters with a GIL of their own (PEP 684), which run in parallel: pinned ones, with one thread each, for steady
// work, and pooled ones, that several threads share, for work that waits and for bursts.
class SubinterpreterExecutor final : public basic_executor {
 public:
  // For num_pinned_workers: only pooled ones.
  static constexpr uint32_t none = UINT32_MAX;

  // What it is made of.
  struct Config {
    uint32_t num_pinned_workers = 0;  // 0: usable CPUs
    uint32_t num_pooled_workers = 0;
    uint32_t num_pooled_interpreters = 0;    // 0: half the pooled workers
    bool pin_to_cores = false;               // a CPU for each interpreter's threads
    bool numa_aware = false;                 // threads keep to a node; work goes to the own node first
    bool work_stealing = true;               // among pinned workers, of work that is not bound to one
    uint32_t queue_size = 10000;             // jobs that may wait, in all
    int64_t stuck_after_ns = 1'000'000'000;  // how long past its deadline code may run before others take its place
    interpreter_init init = {};
  };

  // Waits until every interpreter is prepared; an error when one could not be, or the system has not all the threads to
  // give. Python must be initialised. Not attached.
  static core::result<std::unique_ptr<SubinterpreterExecutor>> create(Config settings);

  size_t pinned() const noexcept;

 private:
  using basic_executor::basic_executor;
};

}  // namespace fasterapi::python
