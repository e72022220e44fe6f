#include "bindings/executor.h"

#include <structmember.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bindings/detached_wait.h"
#include "bindings/executor_side.h"
#include "bindings/executor_workers.h"
#include "bindings/future.h"
#include "bindings/process_pool.h"
#include "bindings/raise.h"
#include "core/clock.h"
#include "core/cpus.h"
#include "core/topology.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/ref.h"
#include "python/interruption.h"
#include "python/module_path.h"

namespace fasterapi::bindings {

namespace {

using python::destination;
using python::ref;

// How long an interpreter that ends waits for others to be through with memory that it lent them.
constexpr int64_t lent_patience_ns = 5'000'000'000;

// How long calls may take to end once they are interrupted because the program is.
constexpr int64_t interrupt_patience_ns = 3'000'000'000;
constexpr int interrupted_status = 130;  // as a shell tells of a program that SIGINT ended

struct executor_object {
  PyObject_HEAD std::shared_ptr<shared_workers> workers;
  int64_t timeout_ns;  // 0: none
};

executor_object* self_of(PyObject* object) noexcept { return reinterpret_cast<executor_object*>(object); }

PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* made = type->tp_alloc(type, 0);
  if (made != nullptr) new (&self_of(made)->workers) std::shared_ptr<shared_workers>();
  return made;
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  self_of(object)->workers.~shared_ptr();
  type->tp_free(object);
  Py_DECREF(type);
}

bool read_timeout(PyObject* seconds, int64_t& timeout_ns) {
  timeout_ns = 0;
  if (seconds == Py_None) return true;
  const double limit_s = PyFloat_AsDouble(seconds);
  if (limit_s == -1.0 && PyErr_Occurred() != nullptr) return false;
  if (!(limit_s > 0) || limit_s > 1e9) {
    PyErr_SetString(PyExc_ValueError, "timeout is a number of seconds above 0");
    return false;
  }
  timeout_ns = std::max<int64_t>(static_cast<int64_t>(limit_s * 1e9), 1);
  return true;
}

// What the interpreters are prepared with; null with a Python error set.
std::shared_ptr<preparation> read_preparation(executor_parts& parts, PyObject* path, PyObject* shared,
                                              PyObject* initializer, PyObject* arguments) {
  auto made = std::make_shared<preparation>();
  python::border* by = python::border::here();
  if (by == nullptr) return nullptr;
  if (!python::read_module_path(path, made->path)) return nullptr;
  if (shared != Py_None && !by->pack(shared, made->shared, python::views::copied)) return nullptr;
  if (initializer == Py_None) return made;
  made->initializer = parts.side->description(initializer, parts.describe);
  if (made->initializer == nullptr) return nullptr;
  const auto count = static_cast<size_t>(PyTuple_GET_SIZE(arguments));
  PyObject* const* items = reinterpret_cast<PyTupleObject*>(arguments)->ob_item;
  return by->pack_call(items, count, nullptr, made->arguments) ? made : nullptr;
}

// Whether it has got all its threads; if not, those that it has are ended.
core::result<> dismiss_unless_started(python::crew& made) {
  core::result<> started = made.started();
  if (started.ok()) return started;
  Py_BEGIN_ALLOW_THREADS;
  static_cast<void>(made.shut_down(python::shutdown_mode::cancel, -1));
  Py_END_ALLOW_THREADS;
  return started;
}

int initialize(PyObject* object, PyObject* args, PyObject* keywords) {
  static const char* const names[] = {"pinned", "pooled",      "interpreters", "queue_size", "pin_to_cores", "path",
                                      "shared", "initializer", "initargs",     "timeout",    nullptr};
  executor_parts& parts = state_of_type(Py_TYPE(object)).executor;
  python::crew_plan plan;
  unsigned int pinned, pooled, interpreters, queue_size;
  int pin_to_cores;
  PyObject *path, *shared, *initializer, *arguments, *timeout;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "$IIIIpO!OOO!O", const_cast<char**>(names), &pinned, &pooled,
                                   &interpreters, &queue_size, &pin_to_cores, &PyList_Type, &path, &shared,
                                   &initializer, &PyTuple_Type, &arguments, &timeout) ||
      !read_timeout(timeout, self_of(object)->timeout_ns)) {
    return -1;
  }
  if (parts.future_class == nullptr || parts.side->is_closed) {
    PyErr_SetString(PyExc_RuntimeError, "the interpreter is ending");
    return -1;
  }
  auto prepared = read_preparation(parts, path, shared, initializer, arguments);
  if (prepared == nullptr) return -1;
  plan.pinned = pinned;
  plan.pooled_threads = pooled;
  plan.pooled_interpreters = interpreters;
  plan.pin_to_cores = pin_to_cores != 0;
  plan.queue_size = queue_size;
  plan.machine = core::topology::read(core::allowed_cpus());
  plan.prepare = [prepared](const python::gil& held, python::place& here) { return prepared->prepare(held, here); };
  auto made = python::crew::launch(std::move(plan));
  if (!made.ok()) {
    raise_error(made.failure(), PyExc_ValueError);
    return -1;
  }
  if (const core::result<> started = dismiss_unless_started(*made.value()); !started.ok()) {
    raise_error(started.failure(), parts.broken_error);
    return -1;
  }
  auto workers = std::make_shared<shared_workers>();
  workers->crew = made.take();
  workers->prepared = std::move(prepared);
  parts.side->enlist(workers->crew);
  self_of(object)->workers = std::move(workers);
  return 0;
}

// ---- submitting

// The workers, if they take calls; null with a Python error set.
shared_workers* open_workers(PyObject* object, const executor_parts& parts) {
  shared_workers* workers = self_of(object)->workers.get();
  const char* why = workers == nullptr      ? "the executor was not made"
                    : workers->is_shut_down ? "cannot schedule new futures after shutdown"
                    : parts.side->is_closed ? "cannot schedule new futures after interpreter shutdown"
                                            : nullptr;
  if (why != nullptr) {
    PyErr_SetString(PyExc_RuntimeError, why);
    return nullptr;
  }
  if (workers->prepared->is_broken()) {
    PyErr_SetString(parts.broken_error, workers->prepared->why_broken().c_str());
    return nullptr;
  }
  return workers;
}

// Hands a call over and makes its future. Takes over the reference to the call; null with a Python error set.
PyObject* post(PyObject* object, module_state& state, shared_workers& workers, remote_call* call, destination where) {
  // The executor may be shut down while this waits for room.
  const std::shared_ptr<python::crew> crew = workers.crew;
  const int64_t timeout_ns = self_of(object)->timeout_ns;
  call->deadline_ns = timeout_ns > 0 ? core::monotonic_ns() + timeout_ns : 0;
  call->retain();
  call->note_lending();
  core::result<> taken = crew->submit(*call, where, python::when_full::fail);
  if (!taken.ok() && taken.failure().code == core::errc::queue_full) {
    workers.retried.fetch_add(1, std::memory_order_relaxed);
    Py_BEGIN_ALLOW_THREADS;
    taken = crew->submit(*call, where, python::when_full::wait);
    Py_END_ALLOW_THREADS;
  }
  if (taken.ok()) return make_future(state, call);
  call->release();
  call->release();
  if (taken.failure().code == core::errc::shut_down) {
    PyErr_SetString(PyExc_RuntimeError, "cannot schedule new futures after shutdown");
    return nullptr;
  }
  const bool is_broken = taken.failure().code == python::errc::interpreter_failed;
  return raise_error(taken.failure(), is_broken ? state.executor.broken_error : PyExc_RuntimeError);
}

// A call of `args[0]` with the rest, not handed over yet; null with a Python error set.
remote_call* make_call(executor_parts& parts, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  auto described = parts.side->description(args[0], parts.describe);
  python::border* by = described != nullptr ? python::border::here() : nullptr;
  if (by == nullptr) return nullptr;
  auto* call = new remote_call(std::move(described), parts.side->port(), false);
  if (by->pack_call(args + 1, static_cast<size_t>(count - 1), keywords, call->arguments)) return call;
  call->release();
  return nullptr;
}

PyObject* submit(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  module_state& state = state_of_type(Py_TYPE(object));
  if (count < 1 || !PyCallable_Check(args[0])) {
    PyErr_SetString(PyExc_TypeError, "submit() takes a function, and then the arguments to call it with");
    return nullptr;
  }
  shared_workers* workers = open_workers(object, state.executor);
  if (workers == nullptr) return nullptr;
  const std::shared_ptr<shared_workers> kept = self_of(object)->workers;
  remote_call* call = make_call(state.executor, args, count, keywords);
  return call != nullptr ? post(object, state, *kept, call, destination::anywhere()) : nullptr;
}

// submit_at(position, function, *args, **kwargs): in one interpreter.
PyObject* submit_at(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  module_state& state = state_of_type(Py_TYPE(object));
  if (count < 2 || !PyLong_Check(args[0])) {
    PyErr_SetString(PyExc_TypeError, "_submit_at() takes a position, a function, and its arguments");
    return nullptr;
  }
  const size_t position = PyLong_AsSize_t(args[0]);
  if (PyErr_Occurred() != nullptr || open_workers(object, state.executor) == nullptr) return nullptr;
  const std::shared_ptr<shared_workers> kept = self_of(object)->workers;
  remote_call* call = make_call(state.executor, args + 1, count - 1, keywords);
  return call != nullptr ? post(object, state, *kept, call, destination::position(position)) : nullptr;
}

// submit_many(function, calls): one future of ([result, …], None or what is to be told of an exception).
PyObject* submit_many(PyObject* object, PyObject* args) {
  module_state& state = state_of_type(Py_TYPE(object));
  PyObject *function, *calls;
  if (!PyArg_ParseTuple(args, "OO!", &function, &PyList_Type, &calls)) return nullptr;
  if (open_workers(object, state.executor) == nullptr) return nullptr;
  const std::shared_ptr<shared_workers> kept = self_of(object)->workers;
  auto described = state.executor.side->description(function, state.executor.describe);
  python::border* by = described != nullptr ? python::border::here() : nullptr;
  if (by == nullptr) return nullptr;
  auto* call = new remote_call(std::move(described), state.executor.side->port(), true);
  if (by->pack(calls, call->arguments, python::views::lent)) {
    return post(object, state, *kept, call, destination::anywhere());
  }
  call->release();
  return nullptr;
}

// ---- the end

PyObject* shutdown(PyObject* object, PyObject* args, PyObject* keywords) {
  static const char* const names[] = {"wait", "cancel_futures", nullptr};
  int waits = 1, cancels = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|p$p", const_cast<char**>(names), &waits, &cancels)) {
    return nullptr;
  }
  const std::shared_ptr<shared_workers> workers = self_of(object)->workers;
  if (workers == nullptr) Py_RETURN_NONE;
  workers->is_shut_down.store(true, std::memory_order_release);
  const auto how = cancels != 0 ? python::shutdown_mode::cancel : python::shutdown_mode::drain;
  workers->crew->close(how);
  if (waits != 0) {
    const auto wait = [&workers](int64_t until_ns) { return workers->crew->await_end(until_ns); };
    if (wait_detached(core::no_deadline, wait) != 1) return nullptr;
    if (python::border* by = python::border::here()) by->settle();
  }
  Py_RETURN_NONE;
}

using crews = std::vector<std::shared_ptr<python::crew>>;

bool wait_for_all(const crews& closed, int64_t deadline_ns) {
  return std::all_of(closed.begin(), closed.end(), [&](const auto& each) { return each->await_end(deadline_ns); });
}

void flush_output() {
  for (const char* name : {"stdout", "stderr"}) {
    PyObject* stream = PySys_GetObject(name);
    const ref flushed = ref::steal(stream != nullptr ? PyObject_CallMethod(stream, "flush", nullptr) : nullptr);
    if (!flushed) PyErr_Clear();
  }
}

// The program was interrupted while it waited for its calls at its end: they are interrupted too. Code that does not
// end even so would be running in interpreters that are being taken apart: then the process ends here.
void interrupt_calls(const crews& running) {
  PyObject* raised = PyErr_GetRaisedException();
  bool over = false;
  const int64_t until_ns = core::monotonic_ns() + interrupt_patience_ns;
  Py_BEGIN_ALLOW_THREADS;
  for (const auto& each : running) each->close(python::shutdown_mode::cancel);
  while (!over && core::monotonic_ns() < until_ns) {
    for (const auto& each : running) each->interrupt_all();
    over = wait_for_all(running, std::min(until_ns, core::monotonic_ns() + python::interruption::again_ns));
  }
  Py_END_ALLOW_THREADS;
  if (!over) {
    flush_output();
    _exit(interrupted_status);
  }
  PyErr_SetRaisedException(raised);
}

// The interpreter ends: nothing is submitted any more, and what was submitted is waited for.
PyObject* end_executors(PyObject* module, PyObject*) {
  executor_side& side = *state_of(module).executor.side;
  side.is_closed = true;
  crews running = side.crews();
  if (auto last = process_pool::here().leave(PyInterpreterState_GetID(PyInterpreterState_Get()))) {
    running.push_back(std::move(last));
  }
  for (const auto& each : running) each->close(python::shutdown_mode::drain);
  const int came = wait_detached(core::no_deadline, [&](int64_t until_ns) { return wait_for_all(running, until_ns); });
  if (came < 0) {
    interrupt_calls(running);
  } else {
    // Calls that are left to the pool of the process may still look at memory of this interpreter.
    const int64_t until_ns = core::monotonic_ns() + lent_patience_ns;
    Py_BEGIN_ALLOW_THREADS;
    side.port().wait_returned(until_ns);
    Py_END_ALLOW_THREADS;
  }
  side.port().close();
  if (came < 0) return nullptr;
  Py_RETURN_NONE;
}

// ---- what is known of it

PyObject* latency_tuple(const python::latency& of) {
  constexpr double ns_per_s = 1e9;
  return Py_BuildValue("(Kddd)", static_cast<unsigned long long>(of.count),
                       static_cast<double>(of.average_ns) / ns_per_s, static_cast<double>(of.p50_ns) / ns_per_s,
                       static_cast<double>(of.p99_ns) / ns_per_s);
}

PyObject* read_stats(PyObject* object, PyObject*) {
  const shared_workers* workers = self_of(object)->workers.get();
  if (workers == nullptr) Py_RETURN_NONE;
  const python::executor_stats stats = workers->crew->stats();
  const uint64_t retried = workers->retried.load(std::memory_order_relaxed);
  const auto count = [](uint64_t of) { return static_cast<unsigned long long>(of); };
  return Py_BuildValue("{sKsKsKsKsKsKsKsKsKsKsNsNsN}", "executed", count(stats.executed), "failed", count(stats.failed),
                       "timed_out", count(stats.timed_out), "cancelled", count(stats.cancelled), "rejected",
                       count(stats.rejected - std::min(stats.rejected, retried)), "stolen", count(stats.stolen),
                       "replaced", count(stats.replaced), "queued", count(stats.queued), "running",
                       count(stats.running), "stuck", count(stats.stuck), "queue_wait", latency_tuple(stats.queue_wait),
                       "run_time", latency_tuple(stats.run_time), "gil_wait", latency_tuple(stats.gil_wait));
}

PyObject* positions(PyObject* object, void*) {
  const shared_workers* workers = self_of(object)->workers.get();
  return PyLong_FromSize_t(workers != nullptr ? workers->crew->positions() : 0);
}

// _share(other, timeout): become a view of another executor's workers.
PyObject* share(PyObject* object, PyObject* args) {
  PyObject *other, *timeout;
  PyTypeObject* base = state_of_type(Py_TYPE(object)).executor.executor_base_type;
  if (!PyArg_ParseTuple(args, "O!O", base, &other, &timeout) || !read_timeout(timeout, self_of(object)->timeout_ns)) {
    return nullptr;
  }
  self_of(object)->workers = self_of(other)->workers;
  Py_RETURN_NONE;
}

// _join_process_pool(path): become an executor of the workers that all interpreters of the process share.
PyObject* join_process_pool(PyObject* object, PyObject* path) {
  if (!PyList_Check(path)) return PyErr_Format(PyExc_TypeError, "the path is a list");
  std::vector<std::string> entries;
  if (!python::read_module_path(path, entries)) return nullptr;
  const int64_t self = PyInterpreterState_GetID(PyInterpreterState_Get());
  auto joined = process_pool::here().join(self, std::move(entries));
  if (!joined.ok()) return raise_error(joined.failure(), PyExc_RuntimeError);
  const std::shared_ptr<shared_workers> workers = joined.take();
  if (const core::result<> started = dismiss_unless_started(*workers->crew); !started.ok()) {
    return raise_error(started.failure(), state_of_type(Py_TYPE(object)).executor.broken_error);
  }
  self_of(object)->workers = workers;
  Py_RETURN_NONE;
}

// bind_executor(Future, Condition, describe, rebuild, tell_completions, CancelledError, broken): once per interpreter.
PyObject* bind_executor(PyObject* module, PyObject* args) {
  executor_parts& parts = state_of(module).executor;
  std::array<PyObject*, 7> given{};
  if (!PyArg_ParseTuple(args, "O!OOOOOO", &PyType_Type, given.data(), &given[1], &given[2], &given[3], &given[4],
                        &given[5], &given[6])) {
    return nullptr;
  }
  const std::array<PyObject**, 7> places = {&parts.future_class, &parts.condition_class,  &parts.describe,
                                            &parts.rebuild,      &parts.tell_completions, &parts.cancelled_error,
                                            &parts.broken_error};
  for (size_t i = 0; i < places.size(); ++i) Py_XSETREF(*places[i], Py_NewRef(given[i]));
  python::border* by = python::border::here();
  if (by == nullptr) return nullptr;
  by->use_pickler("fasterapi._functions");
  Py_RETURN_NONE;
}

PyCFunction cast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
PyCFunction cast(PyCFunctionWithKeywords function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"submit", cast(submit), METH_FASTCALL | METH_KEYWORDS,
     "submit(fn, /, *args, **kwargs)\n--\n\nCall fn(*args, **kwargs) in one of the interpreters; its future."},
    {"_submit_at", cast(submit_at), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_submit_many", submit_many, METH_VARARGS, nullptr},
    {"shutdown", cast(shutdown), METH_VARARGS | METH_KEYWORDS,
     "shutdown(wait=True, *, cancel_futures=False)\n--\n\n"
     "Take no more calls. Those that wait are run, or cancelled with cancel_futures; `wait` waits for the end."},
    {"_read_stats", read_stats, METH_NOARGS, nullptr},
    {"_share", share, METH_VARARGS, nullptr},
    {"_join_process_pool", join_process_pool, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"_positions", positions, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The C++ half of fasterapi.executor.SubinterpreterExecutor.")},
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialize)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.ExecutorBase",
    .basicsize = sizeof(executor_object),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

PyMethodDef functions[] = {
    {"bind_executor", bind_executor, METH_VARARGS, "Give executors what they need of Python."},
    {"end_executors", end_executors, METH_NOARGS, "Wait for all calls that were submitted; take none from now on."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int traverse_executor(executor_parts& parts, visitproc visit, void* arg) {
  Py_VISIT(parts.future_base_type);
  Py_VISIT(parts.executor_base_type);
  Py_VISIT(parts.future_class);
  Py_VISIT(parts.condition_class);
  Py_VISIT(parts.describe);
  Py_VISIT(parts.rebuild);
  Py_VISIT(parts.tell_completions);
  Py_VISIT(parts.cancelled_error);
  Py_VISIT(parts.broken_error);
  return 0;
}

void clear_executor(executor_parts& parts) {
  Py_CLEAR(parts.future_base_type);
  Py_CLEAR(parts.executor_base_type);
  Py_CLEAR(parts.future_class);
  Py_CLEAR(parts.condition_class);
  Py_CLEAR(parts.describe);
  Py_CLEAR(parts.rebuild);
  Py_CLEAR(parts.tell_completions);
  Py_CLEAR(parts.cancelled_error);
  Py_CLEAR(parts.broken_error);
  delete std::exchange(parts.side, nullptr);
}

int add_executor(PyObject* module, module_state& state) {
  executor_parts& parts = state.executor;
  parts.executor_base_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (parts.executor_base_type == nullptr || PyModule_AddFunctions(module, functions) != 0) return -1;
  return PyModule_AddType(module, parts.executor_base_type);
}

}  // namespace fasterapi::bindings
