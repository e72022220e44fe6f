#include "fasterapi/core/executor.h"

#include <chrono>
#include <utility>

#include "fasterapi/core/futex.h"

namespace fasterapi::core {

executor::~executor() = default;

bool inline_executor::post(task work) noexcept {
  work();
  return true;
}

manual_executor::~manual_executor() { close(); }

bool manual_executor::post(task work) noexcept {
  {
    const std::lock_guard held(mutex_);
    if (closed_) return false;
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return true;
}

// Empty when there is none. What the task holds may post again: it is run and destroyed without the lock.
task manual_executor::take(std::unique_lock<std::mutex> held) noexcept {
  if (queue_.empty()) return {};
  task work = std::move(queue_.front());
  queue_.pop_front();
  held.unlock();
  return work;
}

bool manual_executor::run_one() noexcept {
  task work = take(std::unique_lock(mutex_));
  if (!work) return false;
  work();
  return true;
}

bool manual_executor::run_one_until(int64_t until_ns) noexcept {
  std::unique_lock held(mutex_);
  const auto something = [this] { return closed_ || !queue_.empty(); };
  if (until_ns == no_deadline) {
    changed_.wait(held, something);
  } else {
    // The clock of libstdc++'s steady_clock is CLOCK_MONOTONIC.
    changed_.wait_until(held, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(until_ns)), something);
  }
  task work = take(std::move(held));
  if (!work) return false;
  work();
  return true;
}

size_t manual_executor::run() noexcept {
  size_t count = 0;
  while (run_one()) ++count;
  return count;
}

void manual_executor::close() noexcept {
  std::deque<task> dropped;
  {
    const std::lock_guard held(mutex_);
    closed_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
}

size_t manual_executor::size() const noexcept {
  const std::lock_guard held(mutex_);
  return queue_.size();
}

}  // namespace fasterapi::core
