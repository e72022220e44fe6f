#include "bindings/call_pool.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "bindings/loop.h"
#include "bindings/module_state.h"
#include "bindings/pool_call.h"
#include "bindings/raise.h"
#include "core/clock.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "fasterapi/python/ref.h"
#include "python/module_path.h"
#include "server/call.h"
#include "server/shard.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

constexpr int64_t end_patience_ns = 1'000'000'000;

struct registry {
  std::mutex mutex;
  std::vector<std::shared_ptr<call_pool>> started;  // and not retired, the latest last
  std::vector<std::shared_ptr<call_pool>> stuck;    // retired ones in which code did not end
};

// Lets an interpreter's threads know the loop that goes on with their coroutines.
void adopt_loop(python::place& here, PyObject* loop) {
  here.data = ref::share(loop);
  here.interruption = ref::share(reinterpret_cast<loop_object*>(loop)->core->state->request_timeout);
}

registry& known() noexcept {
  // Never destroyed: threads may outlive the program's static objects.
  static auto& one = *new registry;
  return one;
}

thread_local std::shared_ptr<call_pool> of_this_thread;

}  // namespace

call_pool::call_pool(pool_plan plan)
    : plan_(std::move(plan)),
      log_(plan_.log_moves, plan_.log_as_json),
      placement_([] { return core::monotonic_ns(); },
                 [this](const server::placement::move& moved, const std::string& label) { log_.tell(moved, label); }),
      routes_(plan_.interpreters),
      has_opened_(plan_.interpreters) {}

std::shared_ptr<call_pool> call_pool::start(pool_plan plan) {
  auto made = std::make_shared<call_pool>(std::move(plan));
  made->launch();
  const std::lock_guard lock(known().mutex);
  known().started.push_back(made);
  return made;
}

core::result<> call_pool::await_ready() { return crew_->await_ready(); }

std::shared_ptr<call_pool> call_pool::here() {
  if (of_this_thread != nullptr) return of_this_thread;
  const std::lock_guard lock(known().mutex);
  return known().started.empty() ? nullptr : known().started.back();
}

void call_pool::set_here(std::shared_ptr<call_pool> pool) { of_this_thread = std::move(pool); }

void call_pool::retire(std::shared_ptr<call_pool> ended) {
  std::vector<std::shared_ptr<call_pool>> over;  // let go of without the lock
  {
    const std::lock_guard lock(known().mutex);
    std::erase(known().started, ended);
    auto& stuck = known().stuck;
    const auto first =
        std::partition(stuck.begin(), stuck.end(), [](const auto& one) { return !one->crew_->has_ended(); });
    over.assign(std::move_iterator(first), std::move_iterator(stuck.end()));
    stuck.erase(first, stuck.end());
  }
  if (ended->crew_->shut_down(python::shutdown_mode::cancel, end_patience_ns).ok()) return;
  const std::lock_guard lock(known().mutex);
  known().stuck.push_back(std::move(ended));
}

void call_pool::launch() {
  python::crew_plan plan;
  plan.queue_size = plan_.queue_size;
  plan.spin_ns = 0;
  plan.has_deadlines = true;
  if (plan_.interpreters == 0) {
    plan.main_threads = plan_.threads;
    plan.prepare = [this](const python::gil&, python::place& here) {
      adopt_loop(here, plan_.main_loop);
      return core::nothing{};
    };
  } else {
    plan.pooled_threads = plan_.threads;
    plan.pooled_interpreters = plan_.interpreters;
    plan.prepare = [this](const python::gil& held, python::place& here) { return open(held, here); };
    plan.prepared = [this](size_t position, const core::result<>& how) { note_opening(position, how); };
    plan.replace_again = true;
    plan.finish_patience_ns = plan_.finish_ms * 1'000'000;
    plan.finish = finish;
  }
  // It fails for numbers only that nobody may ask for (see serve() of PinnedWorkers).
  crew_ = python::crew::launch(std::move(plan)).take();
}

std::string call_pool::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::vector<replacement> call_pool::take_replacements() {
  const std::lock_guard lock(mutex_);
  return std::exchange(replacements_, {});
}

std::vector<std::string> call_pool::routes() const {
  const std::lock_guard lock(mutex_);
  return routes_;
}

// ---- interpreters

// fasterapi._worker.open_pool(config, index, interpreter_id) -> (loop, routes as JSON), or why it failed, as text.
core::result<> call_pool::open(const python::gil& held, python::place& here) {
  const auto opened = [&]() -> ref {
    if (!python::set_module_path(plan_.python_path)) return {};
    const ref module = ref::steal(PyImport_ImportModule("fasterapi._worker"));
    if (!module) return {};
    return ref::steal(PyObject_CallMethod(module.get(), "open_pool", "snL", plan_.config.c_str(),
                                          static_cast<Py_ssize_t>(plan_.first_index + here.position),
                                          static_cast<long long>(here.interpreter_id)));
  }();
  PyObject* loop = nullptr;
  const char* routes = nullptr;
  if (!opened || (PyTuple_Check(opened.get()) && !PyArg_ParseTuple(opened.get(), "Os", &loop, &routes))) {
    return python::error::take(held).as_core();
  }
  if (loop == nullptr) {
    const char* why = PyUnicode_AsUTF8(opened.get());
    PyErr_Clear();
    return core::error{python::errc::raised, why != nullptr ? why : "a pooled interpreter could not be opened"};
  }
  adopt_loop(here, loop);
  reinterpret_cast<loop_object*>(loop)->core->spoiled = [this, at = here.position, id = here.interpreter_id] {
    return crew_->renew(at, id);
  };
  const std::lock_guard lock(mutex_);
  std::string& known = routes_[here.position];
  // Calls are given to it by the numbers of the workers' routes.
  if (!known.empty() && known != routes) {
    return core::error{python::errc::raised, other_routes};
  }
  known = routes;
  return core::nothing{};
}

// The first interpreter at a position is needed for the pool to be ready. Later ones replace one that was stuck.
void call_pool::note_opening(size_t position, const core::result<>& how) {
  {
    const std::lock_guard lock(mutex_);
    const std::string why = how.ok() ? std::string() : how.failure().message;
    if (has_opened_[position]) {
      replacements_.push_back({plan_.first_index + position, why});
    } else if (how.ok()) {
      has_opened_[position] = true;
      opened_.fetch_add(1, std::memory_order_release);
    } else if (failure_.empty()) {
      failure_ = why;
    }
  }
  if (plan_.changed) plan_.changed();
}

void call_pool::finish(const python::gil&, python::place& here) {
  if (!here.data) return;
  if (!ref::steal(PyObject_CallMethod(here.data.get(), "_close_guests", nullptr))) PyErr_WriteUnraisable(nullptr);
}

// ---- calls

bool call_pool::run(server::call& given, server::shard& home) noexcept {
  auto* job = new (std::nothrow) pool_call(given, home, *this);
  if (job == nullptr) return false;
  given.handler = job;
  under_way_.fetch_add(1, std::memory_order_relaxed);
  job->retain();
  if (crew_->submit(*job, python::destination::pool(), python::when_full::fail).ok()) return true;
  ended();
  given.handler = nullptr;
  job->release();
  job->release();  // NOLINT(clang-analyzer-cplusplus.NewDelete): it is the second of two references
  return false;
}

void call_pool::interrupt(server::call& running) noexcept {
  if (running.handler == nullptr) return;  // it is about to be given
  pool_call::of(running).interrupt(running.timed_out);
}

bool call_pool::overdue(server::call& running) noexcept { return pool_call::of(running).overdue(); }

// ---- the pool of the main interpreter's threads

namespace {

PyObject* start_main_pool(PyObject* module, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"loop", "threads", "queue_size", "log_moves", "log_as_json", nullptr};
  pool_plan plan;
  Py_ssize_t threads, queue_size;
  int log_moves, log_as_json;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!$nnpp", const_cast<char**>(names), state_of(module).loop_type,
                                   &plan.main_loop, &threads, &queue_size, &log_moves, &log_as_json)) {
    return nullptr;
  }
  if (threads < 1 || queue_size < 1) {
    return PyErr_Format(PyExc_ValueError, "a pool has a thread and room for a call, not %zd and %zd", threads,
                        queue_size);
  }
  plan.threads = static_cast<size_t>(threads);
  plan.queue_size = static_cast<size_t>(queue_size);
  plan.log_moves = log_moves != 0;
  plan.log_as_json = log_as_json != 0;
  core::result<> ready = core::nothing{};
  Py_BEGIN_ALLOW_THREADS;
  const std::shared_ptr<call_pool> pool = call_pool::start(std::move(plan));
  ready = pool->await_ready();
  if (!ready.ok()) call_pool::retire(pool);
  Py_END_ALLOW_THREADS;
  if (!ready.ok()) return raise_thread_shortage(ready.failure());
  Py_RETURN_NONE;
}

PyObject* stop_main_pool(PyObject*, PyObject*) {
  std::shared_ptr<call_pool> ended = call_pool::here();
  if (ended == nullptr) Py_RETURN_NONE;
  Py_BEGIN_ALLOW_THREADS call_pool::retire(std::move(ended));
  Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"start_main_pool", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(start_main_pool)),
     METH_VARARGS | METH_KEYWORDS,
     "Start threads of this interpreter that run handlers of workers that serve from now on."},
    {"stop_main_pool", stop_main_pool, METH_NOARGS, "End them, once no worker serves any more."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_call_pool(PyObject* module, module_state&) { return PyModule_AddFunctions(module, functions); }

}  // namespace fasterapi::bindings
