#include "server/spare_driver.h"

#include <algorithm>

#include "core/clock.h"
#include "server/call.h"
#include "server/call_runner.h"
#include "server/lease.h"
#include "server/shard.h"

namespace fasterapi::server {

namespace {

// Whether the runner can do something for calls before the worker is back.
bool helps(const lease& of, const call_runner* runner) noexcept {
  return runner != nullptr && !(runner->shares_gil() && of.waits_for_gil());
}

// `runner` is null where there is none that helps. `worker_is_stuck`: what would have to wait for it is turned away.
void take_turn(shard& driven, call_runner* runner, bool worker_is_stuck) noexcept {
  while (call* next = driven.next_call()) {
    if (runner != nullptr && !driven.is_bound(*next, *runner)) {
      driven.delegate(*next, *runner);
    } else if (worker_is_stuck) {
      driven.turn_away(*next);
    } else {
      driven.defer(*next);
    }
  }
}

// What is to be done about a handler that runs past its deadline: the worker's own, or, where that waits for its GIL,
// one in the pool, which may be the one that keeps it.
class overrun {
 public:
  // True once: when the worker has proved stuck.
  bool look(const lease& of, const lease::hooks& told, const shard& driven) {
    const call* running = of.running();
    const bool is_late = running != nullptr ? running->timed_out : of.waits_for_gil() && driven.overdue() > 0;
    if (!is_late) {
      stuck_at_ms_ = 0;
      return false;
    }
    shard_counts& counts = driven.counts();
    if (stuck_at_ms_ == 0) {
      stuck_at_ms_ = core::coarse_ms() + lease::stuck_after_ms;
      is_told_ = running == nullptr;  // the pool interrupts its own
    }
    if (!is_told_ && told.interrupt(of.section())) {
      is_told_ = true;
      counts.interruptions.add();
    }
    if (is_stuck_ || core::coarse_ms() < stuck_at_ms_) return false;
    is_stuck_ = true;
    counts.stuck.add();
    told.stuck();
    return true;
  }
  bool is_stuck() const noexcept { return is_stuck_; }
  // When to look again, at the latest.
  int64_t patience_ms() const noexcept {
    if (stuck_at_ms_ == 0 || (is_stuck_ && is_told_)) return -1;
    const int64_t left_ms = is_stuck_ ? tell_again_ms : std::max<int64_t>(0, stuck_at_ms_ - core::coarse_ms());
    return is_told_ ? left_ms : std::min(left_ms, tell_again_ms);
  }

 private:
  static constexpr int64_t tell_again_ms = 50;

  int64_t stuck_at_ms_ = 0;
  bool is_told_ = false;
  bool is_stuck_ = false;
};

}  // namespace

void drive(shard& driven, call_runner& runner) noexcept {
  while (!driven.drained()) {
    driven.wait(-1);
    take_turn(driven, &runner, false);
  }
}

core::result<std::unique_ptr<spare_driver>> spare_driver::create() {
  std::unique_ptr<spare_driver> made(new spare_driver);
  made->thread_ = TRY(core::thread::start("spare-driver", [own = made.get()] { own->run(); }));
  return made;
}

spare_driver::~spare_driver() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool spare_driver::idle() const {
  const std::lock_guard lock(mutex_);
  return taken_ == nullptr;
}

void spare_driver::take_over(lease& taken) {
  const std::lock_guard lock(mutex_);
  taken_ = &taken;
  changed_.notify_one();
}

void spare_driver::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return taken_ != nullptr || ending_; });
    if (taken_ == nullptr) return;
    lock.unlock();
    lease& of = *taken_;
    shard& driven = of.shard_;
    driven.lend(of.running());
    driven.counts().hand_overs.add();
    overrun late;
    for (;;) {
      take_turn(driven, helps(of, of.runner_) ? of.runner_ : nullptr, late.is_stuck());
      if (late.look(of, of.hooks_, driven)) driven.turn_away_deferred();
      if (of.lending_.wanted()) break;
      driven.wait(late.patience_ms());
    }
    if (late.is_stuck() && of.hooks_.recovered) of.hooks_.recovered();
    driven.take_back();
    // The worker may end the lease, and the shard, from here on.
    of.lending_.give_back();
    lock.lock();
    taken_ = nullptr;
  }
}

}  // namespace fasterapi::server
