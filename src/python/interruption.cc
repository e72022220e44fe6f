#include "python/interruption.h"

#include <mutex>
#include <utility>

namespace fasterapi::python {

namespace {

thread_local interruption* bound = nullptr;

// Whether an exception that was raised in a thread has not got there yet.
bool is_pending(const PyThreadState* thread) noexcept {
  PyObject* const& raised = thread->async_exc;
  return __atomic_load_n(&raised, __ATOMIC_RELAXED) != nullptr;
}

}  // namespace

interruption::~interruption() {
  if (bound == this) bound = nullptr;
}

void interruption::bind(const PyThreadState* thread) noexcept {
  thread_id_ = PyThread_get_thread_ident();
  thread_ = thread;
  bound = this;
}

interruption* interruption::here() noexcept { return bound; }

void interruption::raise(PyObject* kind, int64_t now_ns) noexcept {
  const std::lock_guard alone(mutex_);
  if (sheltered_) return;
  if (sent_) {
    if (is_pending(thread_)) return;
    if (taken_ns_ < 0) taken_ns_ = now_ns;
    if (now_ns < taken_ns_ + cleanup_ns) return;
  }
  raised_ = sent_ = true;
  taken_ns_ = -1;
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
  sent_ = false;
}

}  // namespace fasterapi::python
