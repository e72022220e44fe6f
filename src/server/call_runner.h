#pragma once

namespace fasterapi::server {

struct call;
class shard;

// Runs the handlers of calls elsewhere than on the thread that drives their shard.
//
// Thread-safe: every shard of a process may share one.
class call_runner {
 public:
  call_runner(const call_runner&) = delete;
  call_runner& operator=(const call_runner&) = delete;

  // Takes a call that `home` has suspended with its request kept. Its answer comes by home.post(), from any thread,
  // exactly once, even if the handler never began. False, with nothing changed: there is no room, and the caller
  // answers. Called by the shard's driver.
  [[nodiscard]] virtual bool run(call& given, shard& home) noexcept = 0;
  // Nobody waits for the answer any more (the client is gone, or the deadline has passed): a handler that has not begun
  // is not run, a suspended one is cancelled. Called by the driver of the call's shard, at most once for each of the
  // two.
  virtual void interrupt(call& running) noexcept = 0;
  // It has not ended for long after its deadline (lease::stuck_after_ms). Called by the driver of the call's shard, and
  // again after the same time as long as it returns false.
  virtual bool overdue(call&) noexcept { return true; }

  // Whether its threads run Python code with the GIL that the shards' own workers need too.
  virtual bool shares_gil() const noexcept { return false; }

 protected:
  call_runner() = default;
  ~call_runner() = default;
};

}  // namespace fasterapi::server
