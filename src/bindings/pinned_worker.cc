#include "bindings/pinned_worker.h"

#include <utility>

#include "bindings/call_pool.h"
#include "core/cpus.h"
#include "core/thread.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "fasterapi/python/ref.h"
#include "server/shard.h"

namespace fasterapi::bindings {

using python::ref;

void pinned_worker::request_stop() {
  const std::lock_guard lock(mutex_);
  stop_requested_ = true;
  if (shard_ != nullptr) shard_->request_stop();
}

void pinned_worker::request_drain() {
  const std::lock_guard lock(mutex_);
  drain_requested_ = true;
  if (shard_ != nullptr) shard_->request_drain();
}

bool pinned_worker::is_to_end() const {
  const std::lock_guard lock(mutex_);
  return stop_requested_ || drain_requested_;
}

void pinned_worker::note_stuck(bool stuck) {
  is_stuck_.store(stuck, std::memory_order_release);
  events_->ring();
}

pinned_worker::state pinned_worker::now() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string pinned_worker::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

void pinned_worker::announce(server::shard& shard, std::string routes) {
  const std::lock_guard lock(mutex_);
  shard_ = &shard;
  state_ = state::serving;
  text_ = std::move(routes);
  if (drain_requested_) shard.request_drain();
  if (stop_requested_) shard.request_stop();
  events_->ring();
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
  events_->ring();
}

// Serves the assigned app until its end; an error is the text to show.
core::result<> pinned_worker::serve(const python::gil& held, int64_t interpreter_id) {
  core::thread::name_current("worker-" + std::to_string(work_.index));
  if (work_.cpu >= 0) TRY(core::pin_thread_to(work_.cpu));
  const ref module = ref::steal(PyImport_ImportModule("fasterapi._worker"));
  const ref slot = ref::steal(PyCapsule_New(this, worker_capsule, nullptr));
  if (!module || !slot) return python::error::take(held).as_core();
  const ref failure = ref::steal(PyObject_CallMethod(module.get(), work_.program, "OisL", slot.get(), work_.index,
                                                     work_.config.c_str(), static_cast<long long>(interpreter_id)));
  if (!failure) return python::error::take(held).as_core();
  if (failure.get() == Py_None) return core::nothing{};
  const char* text = PyUnicode_AsUTF8(failure.get());
  if (text == nullptr) return python::error::take(held).as_core();
  return core::error{python::errc::raised, text};
}

bool pinned_worker::run(const python::gil& held, python::place& here) noexcept {
  call_pool::set_here(work_.pool);
  outcome_ = serve(held, here.interpreter_id);
  call_pool::set_here(nullptr);
  retire();
  return outcome_.ok();
}

void pinned_worker::publish() noexcept {
  if (outcome_.ok()) return end(state::ended, {});
  std::string& text = outcome_.failure().message;
  if (!text.ends_with('\n')) text += '\n';
  end(state::failed, std::move(text));
}

void pinned_worker::abandon(core::error why) noexcept { end(state::failed, std::move(why.message) + "\n"); }

}  // namespace fasterapi::bindings
