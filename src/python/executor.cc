#include "fasterapi/python/executor.h"

#include <algorithm>

#include "core/clock.h"
#include "core/cpus.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "python/call_job.h"
#include "python/counted_job.h"
#include "python/crew.h"
#include "python/module_path.h"

namespace fasterapi::python {

namespace {

constexpr int64_t last_patience_ns = 5'000'000'000;

// A task that was posted: nobody waits for it.
class posted_job final : public counted_job {
 public:
  explicit posted_job(core::task work) noexcept : work_(std::move(work)) {}

  bool run(const gil& held, place&) noexcept override {
    work_();
    return !detail::take_pending(held).has_value();
  }
  void publish() noexcept override {}
  void abandon(core::error) noexcept override {}

 private:
  core::task work_;
};

// What the main interpreter has to do before others are made. Its path is what they begin with.
core::result<std::vector<std::string>> ready_main() {
  if (Py_IsInitialized() == 0) {
    return core::error{errc::interpreter_failed, "Python is not initialised: start a python::runtime first"};
  }
  const thread_state state(PyInterpreterState_Main());
  const GILGuard held(state);
  // CPython 3.13 crashes when other interpreters are the first to import it (gh-136421).
  if (!ref::steal(PyImport_ImportModule("datetime"))) return error::take(held).as_core();
  std::vector<std::string> entries;
  PyObject* path = PySys_GetObject("path");
  if (path != nullptr && PyList_Check(path) && !read_module_path(path, entries)) return error::take(held).as_core();
  return entries;
}

core::result<> prepare(const interpreter_init& init, const gil& held) {
  if (!set_module_path(init.python_path)) return error::take(held).as_core();
  if (!init.module.empty() && !ref::steal(PyImport_ImportModule(init.module.c_str()))) {
    return error::take(held).as_core();
  }
  if (init.code.empty()) return core::nothing{};
  PyObject* main = PyImport_AddModule("__main__");
  PyObject* names = main != nullptr ? PyModule_GetDict(main) : nullptr;
  if (names == nullptr || !ref::steal(PyRun_String(init.code.c_str(), Py_file_input, names, names))) {
    return error::take(held).as_core();
  }
  return core::nothing{};
}

size_t count_or_cpus(uint32_t count) { return count != 0 ? count : static_cast<size_t>(core::usable_cpus()); }

// The crew once all its interpreters are prepared.
core::result<std::shared_ptr<crew>> assemble(crew_plan plan) {
  plan.machine = core::topology::read(core::allowed_cpus());
  std::shared_ptr<crew> made = TRY(crew::launch(std::move(plan)));
  if (core::result<> ready = made->await_ready(); !ready.ok()) {
    static_cast<void>(made->shut_down(shutdown_mode::cancel, -1));
    return ready.take_failure();
  }
  return made;
}

}  // namespace

namespace detail {

std::optional<core::error> take_pending(const gil& held) {
  if (PyErr_Occurred() == nullptr) return std::nullopt;
  return error::take(held).as_core();
}

}  // namespace detail

basic_executor::basic_executor(std::shared_ptr<crew> of) noexcept : crew_(std::move(of)) {}

basic_executor::~basic_executor() { static_cast<void>(crew_->shut_down(shutdown_mode::cancel, last_patience_ns)); }

core::result<> basic_executor::submit_job(job& work, const submit_options& how) {
  work.urgency = how.urgency;
  work.deadline_ns = how.timeout_ns > 0 ? core::monotonic_ns() + how.timeout_ns : 0;
  return crew_->submit(work, how.where, how.full);
}

void basic_executor::hand_over(job& work, const submit_options& how) {
  core::result<> taken = submit_job(work, how);
  if (taken.ok()) return;
  work.abandon(taken.take_failure());
  work.release();
}

bool basic_executor::try_hand_over(job& work, const submit_options& how) {
  const bool taken = submit_job(work, how).ok();
  if (!taken) work.release();
  return taken;
}

core::future<value> basic_executor::submit(function_call what, const submit_options& how) {
  std::vector<value::entry> keywords;
  keywords.reserve(what.keywords.size());
  for (auto& [name, item] : what.keywords) keywords.push_back({value(std::move(name)), std::move(item)});
  auto arguments = parcel::of(value::tuple(std::move(what.arguments)));
  auto named = parcel::of(value::dict(std::move(keywords)));
  if (!arguments.ok()) return core::make_failed_future<value>(arguments.take_failure());
  if (!named.ok()) return core::make_failed_future<value>(named.take_failure());
  auto* made = new call_job(std::move(what.module), std::move(what.qualname), arguments.take(), named.take());
  made->retain();
  auto future = core::future<value>::adopt(made);
  hand_over(*made, how);
  return future;
}

bool basic_executor::post(core::task work) noexcept {
  auto* made = new posted_job(std::move(work));
  return try_hand_over(*made, {});
}

executor_stats basic_executor::stats() const { return crew_->stats(); }
size_t basic_executor::positions() const noexcept { return crew_->positions(); }

core::result<> basic_executor::shutdown(shutdown_mode mode, int64_t patience_ns) {
  return crew_->shut_down(mode, patience_ns);
}

core::result<std::unique_ptr<PythonExecutor>> PythonExecutor::create(const Config& settings) {
  const std::vector<std::string> path = TRY(ready_main());
  crew_plan plan;
  (settings.use_subinterpreters ? plan.pinned : plan.main_threads) = count_or_cpus(settings.num_workers);
  plan.queue_size = settings.queue_size;
  plan.stuck_after_ns = settings.stuck_after_ns;
  if (settings.use_subinterpreters) {
    plan.prepare = [init = interpreter_init{path, {}, {}}](const gil& held, place&) { return prepare(init, held); };
  }
  return std::unique_ptr<PythonExecutor>(new PythonExecutor(TRY(assemble(std::move(plan)))));
}

core::result<std::unique_ptr<SubinterpreterExecutor>> SubinterpreterExecutor::create(Config settings) {
  std::vector<std::string> path = TRY(ready_main());
  if (settings.init.python_path.empty()) settings.init.python_path = std::move(path);
  crew_plan plan;
  plan.pinned = settings.num_pinned_workers == none ? 0 : count_or_cpus(settings.num_pinned_workers);
  plan.pooled_threads = settings.num_pooled_workers;
  plan.pooled_interpreters = settings.num_pooled_interpreters != 0 ? settings.num_pooled_interpreters
                                                                   : (size_t{settings.num_pooled_workers} + 1) / 2;
  plan.pin_to_cores = settings.pin_to_cores;
  plan.numa_aware = settings.numa_aware;
  plan.work_stealing = settings.work_stealing;
  plan.queue_size = settings.queue_size;
  plan.stuck_after_ns = settings.stuck_after_ns;
  plan.prepare = [init = std::move(settings.init)](const gil& held, place&) { return prepare(init, held); };
  return std::unique_ptr<SubinterpreterExecutor>(new SubinterpreterExecutor(TRY(assemble(std::move(plan)))));
}

size_t SubinterpreterExecutor::pinned() const noexcept { return workers().pinned(); }

}  // namespace fasterapi::python
