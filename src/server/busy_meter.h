#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/thread_usage.h"
#include "core/ticks.h"
#include "server/lease.h"

namespace fasterapi::server {

// Measures how long handlers keep a shard's thread: each, and all of one turn together.
//
// That a thread waits for a CPU, or that the host of a virtual machine takes that away, is not its handler's fault, and
// it is most of what makes a fast handler look slow. So one that looks slow is judged by what the kernel counted for
// the thread since its turn began: it has waited for something, or it has computed, or it was not slow. What the kernel
// counts as computing is known to a tick only, so that a handler which has computed for about that long is doubted, and
// those that follow are measured closely.
//
// Owner: the thread that runs the handlers.
class busy_meter {
 public:
  // Handlers of one turn together: what the others of that turn should not wait longer for.
  static constexpr int64_t turn_max_ns = 2'000'000;
  // Below it no handler counts as slow, whatever it waited.
  static constexpr int64_t look_closer_ns = 1'000'000;
  // One that has computed for longer is not doubted: a tick of the kernel's, and what makes a shard change hands.
  static constexpr int64_t doubtful_ns = 15'000'000;
  // So many handlers are measured closely after one that was doubted.
  static constexpr uint32_t measured_closely = 256;

  void begin_turn() noexcept {
    turn_ns_ = 0;
    looked_ = false;
  }
  bool turn_is_full() const noexcept { return turn_ns_ > turn_max_ns; }

  // `judged`: how long it takes is judged. `so_far` are the worker's returns to its shard before it.
  void begin(bool judged, const lease::returns& so_far) noexcept {
    judged_ = judged;
    if (judged && !looked_) look(so_far);
    closely_ = judged && closely_left_ > 0;
    if (closely_) [[unlikely]] {
      --closely_left_;
      cpu_begun_ns_ = core::thread_cpu_ns();
    }
    begun_ = core::ticks::now();
  }
  // How long the handler ran that has ended by now; at most look_closer_ns of one that is doubted. It ended when its
  // thread came back to a shard that had been lent, or when it gave the last answer, if either is of this call.
  int64_t end(const lease::returns& so_far, core::ticks last_answer) noexcept {
    int64_t run_ns = so_far.last.ns_since(begun_);
    if (run_ns == 0) run_ns = last_answer.ns_since(begun_);
    if (run_ns == 0) run_ns = core::ticks::now().ns_since(begun_);
    if (run_ns > look_closer_ns && judged_) [[unlikely]]
      run_ns = judge(run_ns, so_far);
    turn_ns_ += run_ns;
    return run_ns;
  }

 private:
  void look(const lease::returns& so_far) noexcept {
    looked_ = true;
    seen_ = core::thread_usage::now();
    seen_.pauses -= so_far.pauses;
  }
  int64_t judge(int64_t run_ns, const lease::returns& so_far) noexcept {
    const core::thread_usage before = seen_;
    look(so_far);
    if (seen_.pauses != before.pauses) return run_ns;
    const int64_t computed_ns = std::min(run_ns, seen_.cpu_ns - before.cpu_ns);
    if (computed_ns <= look_closer_ns || computed_ns > doubtful_ns) return computed_ns;
    if (closely_) return std::min(run_ns, core::thread_cpu_ns() - cpu_begun_ns_);
    closely_left_ = measured_closely;
    return look_closer_ns;
  }

  core::ticks begun_;
  int64_t turn_ns_ = 0;
  bool judged_ = false;
  bool looked_ = false;      // in this turn
  core::thread_usage seen_;  // when it was looked at last; without pauses for the shard
  uint32_t closely_left_ = 0;
  bool closely_ = false;  // this handler is measured closely
  int64_t cpu_begun_ns_ = 0;
};

}  // namespace fasterapi::server
