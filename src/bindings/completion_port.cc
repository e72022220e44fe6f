#include "bindings/completion_port.h"

#include <utility>

#include "bindings/remote_call.h"

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

void completion_port::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace fasterapi::bindings
