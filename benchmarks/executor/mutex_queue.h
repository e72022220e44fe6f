#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace fasterapi::benchmark {

// What one would write without a lock-free queue: a ring under a mutex. The same interface as ours, for comparison.
template <typename T>
class mutex_queue {
 public:
  explicit mutex_queue(size_t capacity) : ring_(capacity) {}

  bool try_push(T value) {
    const std::lock_guard lock(mutex_);
    if (size_ == ring_.size()) return false;
    ring_[(first_ + size_++) % ring_.size()] = value;
    return true;
  }
  bool try_pop(T& out) {
    const std::lock_guard lock(mutex_);
    if (size_ == 0) return false;
    out = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --size_;
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<T> ring_;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace fasterapi::benchmark
