#pragma once

#include <cstdint>

#include "core/ticks.h"
#include "net/descriptor.h"

namespace fasterapi::server {

// Measures how long handlers keep a shard's thread: each, and all of one turn together.
//
// What a thread waits for a CPU is not its handler's fault, and on a busy machine it is most of what makes a handler
// look slow. So that time is subtracted where it matters: the kernel counts it for each thread, and reading its count
// every now and then, and after a handler that took long, tells how much of it there was at most.
//
// Owner: the thread that runs the handlers.
class busy_meter {
 public:
  // Handlers of one turn together: what the others of that turn should not wait longer for.
  static constexpr int64_t turn_max_ns = 2'000'000;
  // Below it no handler counts as slow, whatever it waited.
  static constexpr int64_t look_closer_ns = 1'000'000;

  void begin_turn() noexcept {
    turn_ns_ = 0;
    if (++turns_ % turns_between_looks == 0) look();
  }
  bool turn_is_full() const noexcept { return turn_ns_ > turn_max_ns; }

  void begin() noexcept { begun_ = core::ticks::now(); }
  // How long the handler ran that has ended now. `answered` is when the last answer was given: its own, most likely.
  int64_t end(core::ticks answered) noexcept {
    int64_t run_ns = answered.ns_since(begun_);
    if (run_ns == 0) run_ns = core::ticks::now().ns_since(begun_);
    turn_ns_ += run_ns;
    return run_ns > look_closer_ns ? without_waits(run_ns) : run_ns;
  }

 private:
  static constexpr uint32_t turns_between_looks = 64;

  void look() noexcept;
  int64_t without_waits(int64_t run_ns) noexcept;
  int64_t waited_ns() noexcept;

  core::ticks begun_;
  int64_t turn_ns_ = 0;
  uint32_t turns_ = 0;
  int64_t seen_ns_ = 0;     // what the thread had waited for a CPU when that was read last
  net::descriptor counts_;  // the kernel's; opened when it is first needed
};

}  // namespace fasterapi::server
