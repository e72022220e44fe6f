#include "bindings/interrupter.h"

#include <chrono>

#include "core/clock.h"
#include "fasterapi/python/gil.h"
#include "server/lease.h"

namespace fasterapi::bindings {

interrupter::interrupter(const server::lease& watched, PyObject* raised)
    : watched_(watched), interpreter_(PyInterpreterState_Get()), raised_(Py_NewRef(raised)) {
  target_.bind(PyThreadState_Get());
}

interrupter::~interrupter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) {
    Py_BEGIN_ALLOW_THREADS thread_.join();
    Py_END_ALLOW_THREADS
  }
  Py_DECREF(raised_);
}

bool interrupter::request(uint64_t section) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    auto started = core::thread::start("interrupter", [this] { run(); });
    if (!started.ok()) return false;
    thread_ = started.take();
  }
  section_ = section;
  changed_.notify_one();
  return true;
}

void interrupter::settle() {
  const std::lock_guard lock(mutex_);
  section_ = 0;
  static_cast<void>(target_.settle());
}

void interrupter::run() {
  const python::thread_state state(interpreter_);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || section_ != 0; });
    if (ending_) return;
    const uint64_t meant = section_;
    lock.unlock();
    {
      const python::GILGuard held(state);
      const std::lock_guard raising(mutex_);
      if (section_ == meant && watched_.section() == meant) {
        target_.raise(raised_, core::monotonic_ns());
      } else if (section_ == meant) {
        section_ = 0;  // it is over, and no other has its number
      }
    }
    lock.lock();
    changed_.wait_for(lock, std::chrono::nanoseconds(python::interruption::again_ns),
                      [&] { return ending_ || section_ != meant; });
  }
}

}  // namespace fasterapi::bindings
