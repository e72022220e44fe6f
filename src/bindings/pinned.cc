#include "bindings/pinned.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bindings/loop.h"
#include "bindings/raise.h"
#include "core/clock.h"
#include "core/cpus.h"
#include "net/descriptor.h"
#include "python/interpreter.h"
#include "python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

// Signals this close to the first are the same wish, told twice: to the process and to its group.
constexpr int64_t same_signal_ms = 100;

constexpr const char* slot_name = "fasterapi._engine.worker";

// Raised by the signal handler, read by the thread that serves.
std::atomic<int> signal_descriptor = -1;

void note_signal(int number) {
  const int fd = signal_descriptor.load(std::memory_order_relaxed);
  const uint64_t word = number == SIGINT ? 1 : uint64_t{1} << 32;
  [[maybe_unused]] const ssize_t written = ::write(fd, &word, sizeof word);
}

// Takes SIGTERM and SIGINT for as long as it lives. A handler, not a blocked mask: processes that the app starts must
// not inherit it.
class signal_watch {
 public:
  signal_watch() : events_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    signal_descriptor.store(events_.get());
    struct sigaction action {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, &previous_term_);
    sigaction(SIGINT, &action, &previous_int_);
  }
  ~signal_watch() {
    sigaction(SIGTERM, &previous_term_, nullptr);
    sigaction(SIGINT, &previous_int_, nullptr);
    signal_descriptor.store(-1);
  }
  int fd() const noexcept { return events_.get(); }
  // The signal that came since the last call, or 0.
  int take() noexcept {
    uint64_t word = 0;
    if (::read(events_.get(), &word, sizeof word) != sizeof word) return 0;
    return (word & 0xffffffff) != 0 ? SIGINT : SIGTERM;
  }

 private:
  net::descriptor events_;
  struct sigaction previous_term_ {};
  struct sigaction previous_int_ {};
};

// What every worker is started with. Constant while they run.
struct plan_of_work {
  int workers;
  std::vector<int> cpus;  // to be pinned to, in turn; empty: none
  std::string config;     // JSON
  std::vector<std::string> python_path;
  int events;  // an eventfd that tells the serving thread that a worker's state has changed
};

// One worker as the serving thread sees it.
class worker {
 public:
  enum class state : uint8_t { starting, serving, ended, failed };

  worker(const plan_of_work& work, int index) : work_(work), index_(index) {}

  void start() {
    thread_ = std::thread([this] { run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  // Any thread.
  state now() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  void request_stop() {
    const std::lock_guard lock(mutex_);
    stop_requested_ = true;
    if (shard_ != nullptr) shard_->request_stop();
  }

  // The worker's own thread.
  void announce(server::shard& shard, std::string routes) {
    const std::lock_guard lock(mutex_);
    shard_ = &shard;
    state_ = state::serving;
    text_ = std::move(routes);
    if (stop_requested_) shard.request_stop();
    tell();
  }
  void retire() {
    const std::lock_guard lock(mutex_);
    shard_ = nullptr;
  }

 private:
  void run();
  core::result<> run_python(python::interpreter& interpreter);
  void end(state how, std::string text) {
    const std::lock_guard lock(mutex_);
    shard_ = nullptr;
    state_ = how;
    text_ = std::move(text);
    tell();
  }
  void tell() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(work_.events, &one, sizeof one);
  }

  // Constant after construction.
  const plan_of_work& work_;
  const int index_;

  std::thread thread_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  state state_ = state::starting;
  server::shard* shard_ = nullptr;
  bool stop_requested_ = false;
  std::string text_;  // serving: its routes; failed: why
};

core::error python_error() {
  const ref raised = ref::steal(PyErr_GetRaisedException());
  const ref text = ref::steal(raised ? PyObject_Str(raised.get()) : nullptr);
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  core::error failure{0, utf8 != nullptr ? utf8 : "unknown error"};
  PyErr_Clear();
  return failure;
}

// Runs fasterapi._worker.run_pinned in the worker's interpreter; an error is the text to show.
core::result<> worker::run_python(python::interpreter& interpreter) {
  const ref path = ref::steal(PyList_New(0));
  for (const std::string& entry : work_.python_path) {
    const ref text = ref::steal(PyUnicode_DecodeFSDefault(entry.c_str()));
    if (!text || PyList_Append(path.get(), text.get()) != 0) return python_error();
  }
  if (PySys_SetObject("path", path.get()) != 0) return python_error();
  // What is imported now stays: collecting meanwhile would find nothing. run_pinned turns the collector on again.
  PyGC_Disable();
  const ref module = ref::steal(PyImport_ImportModule("fasterapi._worker"));
  if (!module) return python_error();
  const ref slot = ref::steal(PyCapsule_New(this, slot_name, nullptr));
  if (!slot) return python_error();
  const ref failure = ref::steal(PyObject_CallMethod(module.get(), "run_pinned", "Oisi", slot.get(), index_,
                                                     work_.config.c_str(), static_cast<int>(interpreter.id())));
  if (!failure) return python_error();
  if (failure.get() == Py_None) return core::nothing{};
  const char* text = PyUnicode_AsUTF8(failure.get());
  if (text == nullptr) return python_error();
  return core::error{0, text};
}

void worker::run() {
  pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
  if (!work_.cpus.empty()) {
    const int cpu = work_.cpus[static_cast<size_t>(index_) % work_.cpus.size()];
    if (auto pinned = core::pin_thread_to(cpu); !pinned.ok())
      return end(state::failed, pinned.failure().message + "\n");
  }
  auto made = python::interpreter::create();
  if (!made.ok()) return end(state::failed, made.failure().message + "\n");
  python::interpreter interpreter = made.take();
  core::result<> outcome = run_python(interpreter);
  retire();
  interpreter.end();
  if (outcome.ok()) return end(state::ended, {});
  end(state::failed, outcome.failure().message);
}

// Starts, watches and stops the workers, without any GIL.
class pool {
 public:
  explicit pool(plan_of_work work) : work_(std::move(work)), events_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    work_.events = events_.get();
    for (int i = 0; i < work_.workers; ++i) workers_.push_back(std::make_unique<worker>(work_, i));
  }

  void start() {
    for (auto& one : workers_) one->start();
  }
  void join() {
    for (auto& one : workers_) one->join();
  }
  void request_stop() {
    for (auto& one : workers_) one->request_stop();
  }
  int events() const noexcept { return events_.get(); }
  void clear_events() const noexcept {
    uint64_t word;
    [[maybe_unused]] const ssize_t got = ::read(events_.get(), &word, sizeof word);
  }
  bool all(worker::state wanted) const {
    for (const auto& one : workers_) {
      if (one->now() != wanted) return false;
    }
    return true;
  }
  bool all_over() const {
    for (const auto& one : workers_) {
      if (one->now() != worker::state::ended && one->now() != worker::state::failed) return false;
    }
    return true;
  }
  // The first worker that failed, or null.
  const worker* failed() const {
    for (const auto& one : workers_) {
      if (one->now() == worker::state::failed) return one.get();
    }
    return nullptr;
  }
  std::vector<std::string> routes() const {
    std::vector<std::string> all;
    for (const auto& one : workers_) all.push_back(one->text());
    return all;
  }

 private:
  plan_of_work work_;
  net::descriptor events_;
  std::vector<std::unique_ptr<worker>> workers_;
};

[[noreturn]] void exit_now(int status) {
  std::fflush(nullptr);
  _exit(status);
}

// Calls on_ready(routes of each worker) with the main interpreter's GIL. False when it raised; the error is kept.
bool tell_ready(PyThreadState*& detached, PyObject* on_ready, const std::vector<std::string>& routes) {
  PyEval_RestoreThread(detached);
  ref list = ref::steal(PyList_New(0));
  bool good = static_cast<bool>(list);
  for (const std::string& one : routes) {
    const ref text = ref::steal(PyUnicode_FromStringAndSize(one.data(), static_cast<Py_ssize_t>(one.size())));
    good = good && text && PyList_Append(list.get(), text.get()) == 0;
  }
  good = good && ref::steal(PyObject_CallOneArg(on_ready, list.get()));
  PyObject* raised = PyErr_GetRaisedException();
  list = {};
  detached = PyEval_SaveThread();
  if (raised == nullptr) return good;
  PyEval_RestoreThread(detached);
  PyErr_SetRaisedException(raised);
  detached = PyEval_SaveThread();
  return false;
}

// Serves until a signal, a failure, or the end of all workers. The calling thread is attached to the main interpreter
// and lets go of it meanwhile. Returns the exit status; -1 with a Python error set when on_ready raised.
int serve_until_stopped(pool& workers, int64_t grace_ms, PyObject* on_ready) {
  signal_watch signals;
  PyThreadState* detached = PyEval_SaveThread();
  workers.start();
  int status = 0;
  bool told_ready = false;
  int64_t stop_began_ms = 0;
  int64_t stop_deadline_ms = -1;
  const auto stop = [&] {
    if (stop_deadline_ms >= 0) return;
    stop_began_ms = core::coarse_ms();
    stop_deadline_ms = stop_began_ms + grace_ms;
    workers.request_stop();
  };
  while (!workers.all_over()) {
    pollfd watched[] = {{workers.events(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    const int64_t patience = stop_deadline_ms < 0 ? -1 : std::max<int64_t>(0, stop_deadline_ms - core::coarse_ms());
    ::poll(watched, 2, static_cast<int>(patience));
    workers.clear_events();
    if (const int signal = signals.take(); signal != 0) {
      if (stop_deadline_ms >= 0 && core::coarse_ms() - stop_began_ms > same_signal_ms) exit_now(128 + signal);
      stop();
    }
    if (const worker* failed = workers.failed(); failed != nullptr && status == 0) {
      const std::string why = failed->text();
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, why.data(), why.size());
      status = 1;
      stop();
    }
    if (!told_ready && stop_deadline_ms < 0 && workers.all(worker::state::serving)) {
      told_ready = true;
      if (!tell_ready(detached, on_ready, workers.routes())) {
        status = -1;
        stop();
      }
    }
    if (stop_deadline_ms >= 0 && core::coarse_ms() >= stop_deadline_ms && !workers.all_over()) {
      constexpr std::string_view late = "some requests did not end within the grace period: exiting without them\n";
      [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, late.data(), late.size());
      exit_now(1);
    }
  }
  workers.join();
  PyEval_RestoreThread(detached);
  return status;
}

bool read_path(PyObject* entries, std::vector<std::string>& into) {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(entries); ++i) {
    PyObject* encoded = nullptr;
    if (PyUnicode_FSConverter(PyList_GET_ITEM(entries, i), &encoded) == 0) return false;
    into.emplace_back(PyBytes_AS_STRING(encoded));
    Py_DECREF(encoded);
  }
  return true;
}

PyObject* serve_pinned(PyObject*, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"workers",     "pin_to_cores", "grace_period_s", "config",
                                "python_path", "on_ready",     nullptr};
  plan_of_work work{};
  int pin;
  double grace_s;
  const char* config;
  PyObject *path, *on_ready;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "$ipdsO!O", const_cast<char**>(names), &work.workers, &pin, &grace_s,
                                   &config, &PyList_Type, &path, &on_ready) ||
      !read_path(path, work.python_path)) {
    return nullptr;
  }
  if (work.workers < 1) return PyErr_Format(PyExc_ValueError, "workers must be at least 1, not %d", work.workers);
  work.config = config;
  if (pin != 0) work.cpus = core::allowed_cpus();
  int status;
  {
    pool workers(std::move(work));
    status = serve_until_stopped(workers, static_cast<int64_t>(grace_s * 1000), on_ready);
  }
  return status < 0 ? nullptr : PyLong_FromLong(status);
}

PyObject* announce_worker(PyObject* module, PyObject* args) {
  PyObject *slot, *loop;
  const char* routes;
  if (!PyArg_ParseTuple(args, "OO!s", &slot, state_of(module).loop_type, &loop, &routes)) return nullptr;
  auto* announced = static_cast<worker*>(PyCapsule_GetPointer(slot, slot_name));
  if (announced == nullptr) return nullptr;
  announced->announce(*reinterpret_cast<loop_object*>(loop)->core->shard, routes);
  Py_RETURN_NONE;
}

PyObject* retire_worker(PyObject*, PyObject* slot) {
  auto* retired = static_cast<worker*>(PyCapsule_GetPointer(slot, slot_name));
  if (retired == nullptr) return nullptr;
  retired->retire();
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef pinned_functions[] = {
    {"serve_pinned", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(serve_pinned)),
     METH_VARARGS | METH_KEYWORDS, "Serve with worker threads until stopped; returns the exit status."},
    {"announce_worker", announce_worker, METH_VARARGS, "A worker serves from now on: (slot, loop, routes as JSON)."},
    {"retire_worker", retire_worker, METH_O, "A worker's loop is about to be closed: (slot)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace fasterapi::bindings
