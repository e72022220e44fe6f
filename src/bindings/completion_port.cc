#include "bindings/completion_port.h"

#include <utility>

#include "bindings/remote_call.h"
#include "fasterapi/core/futex.h"

namespace fasterapi::bindings {

completion_port::~completion_port() {
  for (remote_call* each : ended_) each->release();
}

void completion_port::push(remote_call& ended) {
  const std::lock_guard lock(mutex_);
  ended.retain();
  ended_.push_back(&ended);
  if (ended_.size() == 1) changed_.notify_one();
}

std::vector<remote_call*> completion_port::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !ended_.empty(); });
  return std::exchange(ended_, {});
}

void completion_port::take_back() noexcept {
  if (lent_.fetch_sub(1, std::memory_order_acq_rel) == 1) core::futex_wake_all(lent_);
}

bool completion_port::wait_returned(int64_t deadline_ns) noexcept {
  for (;;) {
    const uint32_t lent = lent_.load(std::memory_order_acquire);
    if (lent == 0) return true;
    if (!core::futex_wait(lent_, lent, deadline_ns)) return lent_.load(std::memory_order_acquire) == 0;
  }
}

void completion_port::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace fasterapi::bindings
