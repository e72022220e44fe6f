#include "python/watchdog.h"

#include <chrono>
#include <utility>

#include "core/clock.h"

namespace fasterapi::python {

watchdog::~watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  for (const entry& one : heap_) one.watched->release();
}

core::result<> watchdog::start() {
  if (is_started_.load(std::memory_order_acquire)) return core::nothing{};
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) return core::nothing{};
  thread_ = TRY(core::thread::start("watchdog", [this] { run(); }));
  is_started_.store(true, std::memory_order_release);
  return core::nothing{};
}

void watchdog::arm(job& watched) {
  const std::lock_guard lock(mutex_);
  watched.retain();
  insert(watched, watched.deadline_ns);
}

void watchdog::disarm(job& watched) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (watched.watch_index_ == job::not_watched) return;
    remove(watched.watch_index_);
  }
  watched.release();
}

void watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (heap_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait_ns = heap_.front().due_ns - core::monotonic_ns();
    if (wait_ns > 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(wait_ns));
      continue;
    }
    job& late = *heap_.front().watched;  // its reference is this function's from here
    remove(0);
    lock.unlock();
    const int64_t again_ns = expired_(late);
    lock.lock();
    if (again_ns != 0) {
      insert(late, again_ns);
      continue;
    }
    lock.unlock();
    late.release();
    lock.lock();
  }
}

void watchdog::insert(job& watched, int64_t due_ns) {
  heap_.push_back({due_ns, &watched});
  watched.watch_index_ = heap_.size() - 1;
  sift_up(heap_.size() - 1);
  if (heap_.front().watched == &watched) changed_.notify_one();
}

void watchdog::remove(size_t index) noexcept {
  heap_[index].watched->watch_index_ = job::not_watched;
  const entry last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  put(index, last);
  sift_up(index);
  sift_down(last.watched->watch_index_);
}

void watchdog::sift_up(size_t index) noexcept {
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (heap_[parent].due_ns <= heap_[index].due_ns) return;
    const entry above = heap_[parent];
    put(parent, heap_[index]);
    put(index, above);
    index = parent;
  }
}

void watchdog::sift_down(size_t index) noexcept {
  for (;;) {
    size_t least = index;
    for (const size_t child : {2 * index + 1, 2 * index + 2}) {
      if (child < heap_.size() && heap_[child].due_ns < heap_[least].due_ns) least = child;
    }
    if (least == index) return;
    const entry below = heap_[least];
    put(least, heap_[index]);
    put(index, below);
    index = least;
  }
}

void watchdog::put(size_t index, entry one) noexcept {
  heap_[index] = one;
  one.watched->watch_index_ = index;
}

}  // namespace fasterapi::python
