#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "core/ticks.h"
#include "server/lending.h"

namespace fasterapi::server {

struct call;
class call_runner;
class shard;

// A worker's hold on its shard, which it lets go of while it runs handlers: one that does not come back soon loses the
// shard to a spare driver, until it does (see monitor).
//
// Owner: the worker, whose thread calls everything that is not said to be another's. The shard is touched by the worker
// only between enter() and leave(), and outlives the lease.
class lease {
 public:
  // How long after its deadline a handler may take to end, before its worker counts as stuck.
  static constexpr int64_t stuck_after_ms = 1'000;

  // What a spare driver tells, on its thread; it must not block.
  struct hooks {
    // The deadline of the running handler has passed, in the section with that number. False: nobody could be told,
    // and it is to be said again soon.
    std::function<bool(uint64_t)> interrupt;
    // It has not ended, in spite of that: code which nothing interrupts.
    std::function<void()> stuck;
    // After that: it has ended now, and the worker is about to have its shard back.
    std::function<void()> recovered = {};
  };

  lease(shard& of, hooks told) : shard_(of), hooks_(std::move(told)) {}
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  // Who is given the calls that come while the shard is lent; null: they wait for the worker. Not while it is watched.
  void set_runner(call_runner* runner) noexcept { runner_ = runner; }

  // Before code that may take its time. `running` is the call whose handler that is; null: it is no call's. It may be
  // said again, for another call, without an enter() in between.
  void leave(call* running) noexcept {
    running_.store(running, std::memory_order_release);
    if (lending_.away()) return;
    lending_.leave();
    if (bell_ != nullptr && bell_->load(std::memory_order_relaxed) != 0) [[unlikely]]
      ring();
  }
  // Before the worker, which was asleep, waits for the GIL of its interpreter.
  void leave_for_gil() noexcept { leave(nobody()); }
  // Before the shard is touched. True if it was lent meanwhile: then nothing interrupts the section that has ended any
  // more, but an interruption that was asked for may be on its way.
  bool enter() noexcept {
    if (!lending_.away() || lending_.enter()) [[likely]]
      return false;
    return come_back();
  }
  // How it was to enter while the shard was lent, or about to be.
  struct returns {
    core::ticks last;    // when it came to that; empty: it never did
    int64_t pauses = 0;  // of the worker's thread (core::thread_usage), waiting for the shard, all times together
  };
  const returns& returned() const noexcept { return returned_; }

  // Any thread.
  uint64_t section() const noexcept { return lending_.section(); }
  call* running() const noexcept {
    call* seen = running_.load(std::memory_order_acquire);
    return seen == nobody() ? nullptr : seen;
  }
  // While it is away: whether it waits for its GIL.
  bool waits_for_gil() const noexcept { return running_.load(std::memory_order_acquire) == nobody(); }
  // How often the shard was lent.
  uint64_t times_lent() const noexcept { return times_lent_.load(std::memory_order_relaxed); }

 private:
  friend class monitor;
  friend class spare_driver;

  // In the place of a running call: the worker waits for its GIL.
  static call* nobody() noexcept { return reinterpret_cast<call*>(uintptr_t{1}); }

  void ring() noexcept;
  bool come_back() noexcept;

  // Constant while it is watched.
  shard& shard_;
  const hooks hooks_;
  call_runner* runner_ = nullptr;
  std::atomic<uint32_t>* bell_ = nullptr;  // of the monitor: not 0 while that sleeps

  returns returned_;
  lending<> lending_;
  std::atomic<call*> running_ = nullptr;
  std::atomic<uint64_t> times_lent_ = 0;
};

}  // namespace fasterapi::server
