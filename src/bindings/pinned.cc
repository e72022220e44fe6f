#include "bindings/pinned.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <new>

#include "bindings/loop.h"
#include "bindings/pinned_worker.h"
#include "bindings/worker_pool.h"
#include "core/clock.h"
#include "core/cpus.h"
#include "fasterapi/python/ref.h"
#include "python/module_path.h"
#include "server/signal_watch.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using worker_state = pinned_worker::state;

// Signals this close to the first are the same wish, told twice: to the process and to its group.
constexpr int64_t same_signal_ms = 100;

void say(std::string_view text) noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

[[noreturn]] void exit_now(int status) {
  std::fflush(nullptr);
  _exit(status);
}

// One run of a server: from the assignment of its workers to their end. The calling thread is attached to the main
// interpreter when it makes this and when this ends, and detached in between, except to call on_ready.
class serving {
 public:
  serving(worker_pool& workers, int64_t grace_ms, PyObject* on_ready)
      : workers_(workers), grace_ms_(grace_ms), on_ready_(on_ready), detached_(PyEval_SaveThread()) {}
  ~serving() {
    workers_.join();
    PyEval_RestoreThread(detached_);
    PyErr_SetRaisedException(raised_);
  }
  serving(const serving&) = delete;
  serving& operator=(const serving&) = delete;

  // Until a signal, a failure, or the end of all workers. Returns the exit status.
  int run() {
    const auto over = [](worker_state now) { return now == worker_state::ended || now == worker_state::failed; };
    while (!workers_.all(over)) {
      pollfd watched[] = {{workers_.events(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
      ::poll(watched, 2, static_cast<int>(patience_ms()));
      workers_.clear_events();
      take_signal();
      notice_failure();
      notice_readiness();
      if (stopping() && core::coarse_ms() >= stop_deadline_ms_ && !workers_.all(over)) {
        say("some requests did not end within the grace period: exiting without them\n");
        exit_now(1);
      }
    }
    notice_failure();
    return status_;
  }

 private:
  bool stopping() const noexcept { return stop_deadline_ms_ >= 0; }
  int64_t patience_ms() const noexcept {
    return stopping() ? std::max<int64_t>(0, stop_deadline_ms_ - core::coarse_ms()) : -1;
  }
  void stop() {
    if (stopping()) return;
    stop_began_ms_ = core::coarse_ms();
    stop_deadline_ms_ = stop_began_ms_ + grace_ms_;
    workers_.request_stop();
  }
  void take_signal() {
    const int number = signals_.take();
    if (number == 0) return;
    if (stopping() && core::coarse_ms() - stop_began_ms_ > same_signal_ms) exit_now(128 + number);
    stop();
  }
  void notice_failure() {
    const pinned_worker* failed = workers_.failed();
    if (failed == nullptr || status_ != 0) return;
    say(failed->text());
    status_ = 1;
    stop();
  }
  void notice_readiness() {
    if (told_ready_ || stopping() || !workers_.all([](worker_state now) { return now == worker_state::serving; }))
      return;
    told_ready_ = true;
    PyEval_RestoreThread(detached_);
    raised_ = call_on_ready() ? nullptr : PyErr_GetRaisedException();
    detached_ = PyEval_SaveThread();
    if (raised_ == nullptr) return;
    status_ = 1;
    stop();
  }
  // on_ready(routes of each worker). False with a Python error set.
  bool call_on_ready() {
    const ref list = ref::steal(PyList_New(0));
    if (!list) return false;
    for (const std::string& one : workers_.routes()) {
      const ref text = ref::steal(PyUnicode_FromStringAndSize(one.data(), static_cast<Py_ssize_t>(one.size())));
      if (!text || PyList_Append(list.get(), text.get()) != 0) return false;
    }
    return static_cast<bool>(ref::steal(PyObject_CallOneArg(on_ready_, list.get())));
  }

  worker_pool& workers_;
  const int64_t grace_ms_;
  PyObject* const on_ready_;  // borrowed
  PyThreadState* detached_;
  PyObject* raised_ = nullptr;  // by on_ready
  server::signal_watch signals_;
  int status_ = 0;
  bool told_ready_ = false;
  int64_t stop_began_ms_ = 0;
  int64_t stop_deadline_ms_ = -1;
};

// ---- the Python type

struct pinned_workers {
  PyObject_HEAD worker_pool* pool;  // owned; null once closed
};

pinned_workers* self_of(PyObject* object) noexcept { return reinterpret_cast<pinned_workers*>(object); }

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"count", "python_path", "in_main", nullptr};
  int count;
  PyObject* path;
  int in_main = 0;
  std::vector<std::string> python_path;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "iO!|$p", const_cast<char**>(names), &count, &PyList_Type, &path,
                                   &in_main) ||
      !python::read_module_path(path, python_path)) {
    return nullptr;
  }
  if (count < 1) return PyErr_Format(PyExc_ValueError, "there must be at least 1 worker, not %d", count);
  ref made = ref::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  self_of(made.get())->pool = new (std::nothrow)
      worker_pool(in_main != 0 ? worker_home::main_interpreter : worker_home::own_interpreters, std::move(python_path));
  if (self_of(made.get())->pool == nullptr) return PyErr_NoMemory();
  self_of(made.get())->pool->resize(static_cast<size_t>(count));
  return made.release();
}

void drop_pool(pinned_workers* self) {
  worker_pool* pool = std::exchange(self->pool, nullptr);
  if (pool == nullptr) return;
  // Workers need the main interpreter's GIL to end.
  Py_BEGIN_ALLOW_THREADS delete pool;
  Py_END_ALLOW_THREADS
}

PyObject* close(PyObject* object, PyObject*) {
  drop_pool(self_of(object));
  Py_RETURN_NONE;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  drop_pool(self_of(object));
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* serve(PyObject* object, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"count", "pin_to_cores", "grace_period_s", "config", "on_ready", nullptr};
  int count;
  int pin;
  double grace_s;
  const char* config;
  PyObject* on_ready;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "$ipdsO", const_cast<char**>(names), &count, &pin, &grace_s, &config,
                                   &on_ready)) {
    return nullptr;
  }
  if (count < 1) return PyErr_Format(PyExc_ValueError, "there must be at least 1 worker, not %d", count);
  worker_pool* pool = self_of(object)->pool;
  if (pool == nullptr) return PyErr_Format(PyExc_RuntimeError, "these workers were closed");
  int status;
  {
    serving run(*pool, static_cast<int64_t>(grace_s * 1000), on_ready);
    pool->resize(static_cast<size_t>(count));
    pool->assign(config, pin != 0 ? core::allowed_cpus() : std::vector<int>());
    status = run.run();
  }
  return PyErr_Occurred() != nullptr ? nullptr : PyLong_FromLong(status);
}

PyMethodDef methods[] = {
    {"serve", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(serve)), METH_VARARGS | METH_KEYWORDS,
     "Serve until stopped; returns the exit status."},
    {"close", close, METH_NOARGS, "End the workers that were not put to use."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("Worker threads, in own-GIL interpreters or all in the main one, that prepare from now on.")},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.PinnedWorkers",
    .basicsize = sizeof(pinned_workers),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

// ---- what workers tell of themselves

PyObject* announce_worker(PyObject* module, PyObject* args) {
  PyObject *slot, *loop;
  const char* routes;
  if (!PyArg_ParseTuple(args, "OO!s", &slot, state_of(module).loop_type, &loop, &routes)) return nullptr;
  auto* announced = static_cast<pinned_worker*>(PyCapsule_GetPointer(slot, worker_capsule));
  if (announced == nullptr) return nullptr;
  announced->announce(*reinterpret_cast<loop_object*>(loop)->core->shard, routes);
  Py_RETURN_NONE;
}

PyObject* retire_worker(PyObject*, PyObject* slot) {
  auto* retired = static_cast<pinned_worker*>(PyCapsule_GetPointer(slot, worker_capsule));
  if (retired == nullptr) return nullptr;
  retired->retire();
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"announce_worker", announce_worker, METH_VARARGS, "A worker serves from now on: (slot, loop, routes as JSON)."},
    {"retire_worker", retire_worker, METH_O, "A worker's loop is about to be closed: (slot)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_pinned(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (!type || PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) < 0) return -1;
  return PyModule_AddFunctions(module, functions);
}

}  // namespace fasterapi::bindings
