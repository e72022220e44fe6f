#include "bindings/pinned_worker.h"

#include <pthread.h>
#include <unistd.h>

#include <utility>

#include "core/cpus.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/ref.h"
#include "server/shard.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

core::error python_error() {
  const ref raised = ref::steal(PyErr_GetRaisedException());
  const ref text = ref::steal(raised ? PyObject_Str(raised.get()) : nullptr);
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  core::error failure{python::errc::raised, std::string(utf8 != nullptr ? utf8 : "unknown error") + "\n", {}};
  PyErr_Clear();
  return failure;
}

}  // namespace

pinned_worker::pinned_worker(std::vector<std::string> python_path, int events)
    : python_path_(std::move(python_path)), events_(events), thread_([this] { run(); }) {}

pinned_worker::~pinned_worker() = default;

void pinned_worker::assign(assignment work) {
  const std::lock_guard lock(mutex_);
  work_ = std::move(work);
  has_assignment_ = true;
  assigned_.notify_one();
}

void pinned_worker::dismiss() {
  const std::lock_guard lock(mutex_);
  dismissed_ = true;
  assigned_.notify_one();
}

void pinned_worker::join() {
  if (thread_.joinable()) thread_.join();
}

pinned_worker::state pinned_worker::now() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string pinned_worker::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

void pinned_worker::request_stop() {
  const std::lock_guard lock(mutex_);
  stop_requested_ = true;
  if (shard_ != nullptr) shard_->request_stop();
}

void pinned_worker::announce(server::shard& shard, std::string routes) {
  const std::lock_guard lock(mutex_);
  shard_ = &shard;
  state_ = state::serving;
  text_ = std::move(routes);
  if (stop_requested_) shard.request_stop();
  tell();
}

void pinned_worker::retire() {
  const std::lock_guard lock(mutex_);
  shard_ = nullptr;
}

void pinned_worker::end(state how, std::string text) {
  const std::lock_guard lock(mutex_);
  shard_ = nullptr;
  state_ = how;
  text_ = std::move(text);
  tell();
}

void pinned_worker::tell() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(events_, &one, sizeof one);
}

// Imports what every worker needs, whatever the app.
core::result<> pinned_worker::prepare() {
  const ref path = ref::steal(PyList_New(0));
  for (const std::string& entry : python_path_) {
    const ref text = ref::steal(PyUnicode_DecodeFSDefault(entry.c_str()));
    if (!text || PyList_Append(path.get(), text.get()) != 0) return python_error();
  }
  if (PySys_SetObject("path", path.get()) != 0) return python_error();
  // What is imported now stays: collecting meanwhile would find nothing. run_pinned turns the collector on again.
  PyGC_Disable();
  if (!ref::steal(PyImport_ImportModule("fasterapi._worker"))) return python_error();
  return core::nothing{};
}

// Serves the assigned app until its end; an error is the text to show.
core::result<> pinned_worker::serve(const python::interpreter& interpreter) {
  if (work_.cpu >= 0) TRY(core::pin_thread_to(work_.cpu));
  const ref module = ref::steal(PyImport_ImportModule("fasterapi._worker"));
  const ref slot = ref::steal(PyCapsule_New(this, worker_capsule, nullptr));
  if (!module || !slot) return python_error();
  const ref failure = ref::steal(PyObject_CallMethod(module.get(), "run_pinned", "Oisi", slot.get(), work_.index,
                                                     work_.config.c_str(), static_cast<int>(interpreter.id())));
  if (!failure) return python_error();
  if (failure.get() == Py_None) return core::nothing{};
  const char* text = PyUnicode_AsUTF8(failure.get());
  if (text == nullptr) return python_error();
  return core::error{python::errc::raised, text, {}};
}

// False when the worker is dismissed. The calling thread is attached before and after, and not meanwhile.
bool pinned_worker::wait_for_assignment() {
  PyThreadState* detached = PyEval_SaveThread();
  std::unique_lock lock(mutex_);
  assigned_.wait(lock, [this] { return has_assignment_ || dismissed_; });
  const bool serves = has_assignment_;
  lock.unlock();
  PyEval_RestoreThread(detached);
  return serves;
}

void pinned_worker::run() {
  auto made = python::interpreter::create();
  if (!made.ok()) return end(state::failed, made.failure().message + "\n");
  python::interpreter interpreter = made.take();
  core::result<> outcome = prepare();
  if (outcome.ok() && wait_for_assignment()) {
    pthread_setname_np(pthread_self(), ("worker-" + std::to_string(work_.index)).c_str());
    outcome = serve(interpreter);
  }
  retire();
  interpreter.end();
  if (outcome.ok()) return end(state::ended, {});
  end(state::failed, std::move(outcome.failure().message));
}

}  // namespace fasterapi::bindings
