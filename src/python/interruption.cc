#include "python/interruption.h"

#include <mutex>
#include <utility>

namespace fasterapi::python {

namespace {

thread_local interruption* bound = nullptr;

}  // namespace

interruption::~interruption() {
  if (bound == this) bound = nullptr;
}

void interruption::bind() noexcept {
  thread_id_ = PyThread_get_thread_ident();
  bound = this;
}

interruption* interruption::here() noexcept { return bound; }

void interruption::raise(PyObject* kind) noexcept {
  const std::lock_guard alone(mutex_);
  if (sheltered_) return;
  raised_ = true;
  PyThreadState_SetAsyncExc(thread_id_, kind);
}

void interruption::shelter() noexcept {
  const std::lock_guard alone(mutex_);
  sheltered_ = true;
  forget();
}

void interruption::expose() noexcept {
  if (!sheltered_) return;
  const std::lock_guard alone(mutex_);
  sheltered_ = false;
}

bool interruption::settle() noexcept {
  const std::lock_guard alone(mutex_);
  sheltered_ = false;
  forget();
  return std::exchange(raised_, false);
}

void interruption::forget() noexcept {
  if (raised_) PyThreadState_SetAsyncExc(thread_id_, nullptr);
}

}  // namespace fasterapi::python
