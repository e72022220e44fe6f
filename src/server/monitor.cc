#include "server/monitor.h"

#include <algorithm>
#include <chrono>

#include "core/asymmetric_fence.h"
#include "core/clock.h"
#include "fasterapi/core/futex.h"
#include "server/shard.h"

namespace fasterapi::server {

core::result<std::shared_ptr<monitor>> monitor::of_this_process() {
  static std::mutex mutex;
  static std::weak_ptr<monitor> known;
  const std::lock_guard lock(mutex);
  std::shared_ptr<monitor> found = known.lock();
  if (found == nullptr) known = found = TRY(create());
  return found;
}

core::result<std::unique_ptr<monitor>> monitor::create() {
  std::unique_ptr<monitor> made(new monitor);
  made->spares_.push_back(TRY(spare_driver::create()));
  made->thread_ = TRY(core::thread::start("monitor", [own = made.get()] { own->run(); }));
  return made;
}

monitor::~monitor() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
  }
  asleep_.store(0, std::memory_order_release);
  core::futex_wake(asleep_, 1);
  if (thread_.joinable()) thread_.join();
}

void monitor::watch(lease& watched) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({&watched, watched.section(), 0});
  watched.bell_ = &asleep_;
}

void monitor::unwatch(lease& watched) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const entry& one) { return one.watched == &watched; });
  watched.bell_ = nullptr;
}

void monitor::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    const int64_t now_ns = core::monotonic_ns();
    const int64_t until_ns = look_around(now_ns);
    if (until_ns != 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(until_ns - now_ns), [this] { return ending_; });
      continue;
    }
    // A worker that leaves from here on either sees that somebody sleeps, or is seen here.
    asleep_.store(1, std::memory_order_release);
    core::asymmetric_fence::heavy();
    const bool may_sleep = nothing_has_changed();
    lock.unlock();
    while (may_sleep && asleep_.load(std::memory_order_acquire) != 0) core::futex_wait(asleep_, 1);
    asleep_.store(0, std::memory_order_release);
    lock.lock();
    last_change_ns_ = core::monotonic_ns();
  }
}

int64_t monitor::look_around(int64_t now_ns) {
  int64_t until_ns = now_ns + interval_ns;
  for (entry& one : entries_) {
    const uint64_t section = one.watched->section();
    if (section != one.section) {
      one.section = section;
      one.since_ns = last_change_ns_ = now_ns;
      one.is_told = false;
    }
    if (!lending<>::is_away(section) || one.watched->lending_.is_taken()) continue;
    if (now_ns < one.since_ns + patience_ns) {
      until_ns = std::min(until_ns, one.since_ns + patience_ns);
    } else if (spare_driver* driver = idle_spare(); driver == nullptr) {
      put_off(one, now_ns);
    } else if (one.watched->lending_.try_take(section)) {
      one.watched->times_lent_.fetch_add(1, std::memory_order_relaxed);
      driver->take_over(*one.watched);
    }
  }
  return now_ns < last_change_ns_ + idle_after_ns ? until_ns : 0;
}

bool monitor::nothing_has_changed() const noexcept {
  return std::none_of(entries_.begin(), entries_.end(),
                      [](const entry& one) { return one.watched->section() != one.section; });
}

// Null where none is idle, and there is no thread for another.
spare_driver* monitor::idle_spare() {
  for (const auto& each : spares_) {
    if (each->idle()) return each.get();
  }
  auto made = spare_driver::create();
  if (!made.ok()) return nullptr;
  spares_.push_back(made.take());
  return spares_.back().get();
}

// Its worker keeps the shard until the next look, or for longer.
void monitor::put_off(entry& one, int64_t now_ns) {
  last_change_ns_ = now_ns;  // as long as somebody waits for a driver, this does not sleep
  if (one.is_told || !one.watched->lending_.try_take(one.section)) return;
  one.is_told = true;
  one.watched->shard_.note_missing_driver();
  one.watched->lending_.give_back();
}

}  // namespace fasterapi::server
