#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "server/application.h"
#include "server/busy_meter.h"

namespace fasterapi::server {

// Decides where the handlers of routes run: on the thread that drives their shard, or in the pool.
//
// A plain function whose run time is unknown runs in the pool, where it holds nobody up. One that proves fast moves to
// the shard's thread, where a call costs no hop to another thread; a slow call there moves it back at once. Each move
// back doubles the proof that is asked for the next time, up to a bound, so that a handler that is sometimes slow comes
// to rest in the pool. A coroutine runs on the shard's thread: it lets go of it wherever it waits.
//
// One for all workers of a process. Any thread may call any member; where() and the usual case of the ran_…() are
// relaxed loads of one word that seldom changes.
class placement {
 public:
  // A handler is fast below this: about what a hop to the pool and back costs, so that nothing is gained by one.
  static constexpr int64_t fast_ns = 100'000;
  // So many fast calls in a row are the proof.
  static constexpr uint32_t proof_calls = 64;
  // A call on the shard's thread is slow above this: ten times what was promised, which jitter of a fast handler does
  // not reach, and a fifth of what makes a shard change hands, so that a handler leaves before it needs to. Between the
  // two bounds a handler stays where it is.
  static constexpr int64_t slow_ns = 1'000'000;
  // The proof grows to proof_calls << doublings_max, 65,536 calls.
  static constexpr uint32_t doublings_max = 10;
  // Moves that are remembered.
  static constexpr size_t moves_max = 64;

  enum class site : uint8_t { shard, pool };
  enum class cause : uint8_t { proved_fast, ran_slow };

  struct route_facts {
    std::string label;  // for people: "GET /x (handler)"
    run_mode run = run_mode::automatic;
    bool is_async = false;
  };
  struct move {
    uint32_t route = 0;
    site from = site::pool;
    site to = site::shard;
    cause why = cause::proved_fast;
    int64_t measured_ns = 0;  // of the call that decided
    int64_t at_ns = 0;        // by this object's clock
    uint32_t calls = 0;       // the fast calls that the move to the shard, this or the next one, takes
  };

  using clock = std::function<int64_t()>;
  using listener = std::function<void(const move&, const std::string& label)>;

  // `clock` gives monotonic ns. `moved` is told of each move, on the thread that caused it, one at a time. Without a
  // pool everything runs on the shard's thread.
  explicit placement(clock clock, listener moved = {}) : clock_(std::move(clock)), moved_(std::move(moved)) {}
  ~placement();
  placement(const placement&) = delete;
  placement& operator=(const placement&) = delete;

  // The routes of the app, by index, as the first call says; false for a worker that comes later with others. No other
  // member may be asked about a route before.
  bool define(std::span<const route_facts> routes);

  site where(uint32_t route) const noexcept { return entries()[route].at.load(std::memory_order_relaxed); }
  // Whether how long its calls take decides where the next ones run.
  bool is_measured(uint32_t route) const noexcept { return entries()[route].moves; }
  // Where a call that has come now runs: in a turn that is full, one that could run on the shard's thread is for the
  // pool if a thread there is idle, which is asked only then. What a route itself says holds in any turn.
  template <typename HasIdleThread>
  site where(uint32_t route, const busy_meter& turn, const HasIdleThread& pool_has_idle_thread) const noexcept {
    const site usual = where(route);
    if (usual == site::pool || !turn.turn_is_full() || !entries()[route].moves) [[likely]]
      return usual;
    return pool_has_idle_thread() ? site::pool : usual;
  }
  // A handler ran on the shard's thread for so long, not counting what it waited for a CPU.
  void ran_on_shard(uint32_t route, int64_t run_ns) noexcept {
    if (run_ns > slow_ns) [[unlikely]] {
      demote(route, run_ns);
    }
  }
  // A handler ran in the pool for so long.
  void ran_in_pool(uint32_t route, int64_t run_ns) noexcept;

  // The last moves, the oldest first.
  std::vector<move> moves() const;
  uint64_t moves_made() const noexcept { return moves_made_.load(std::memory_order_relaxed); }
  size_t routes() const noexcept { return count_.load(std::memory_order_acquire); }
  // Of a route that was defined.
  const std::string& label(uint32_t route) const noexcept { return entries()[route].label; }

 private:
  struct alignas(64) entry {
    std::atomic<site> at = site::shard;
    bool moves = false;  // constant after define()
    std::atomic<uint32_t> demotions = 0;
    std::atomic<uint32_t> streak = 0;  // fast calls in a row in the pool
    std::string label;
  };

  entry* entries() const noexcept { return entries_.load(std::memory_order_acquire); }
  uint32_t proof(const entry& of) const noexcept;
  void demote(uint32_t route, int64_t run_ns) noexcept;
  void record(uint32_t route, site to, cause why, int64_t run_ns, uint32_t calls) noexcept;

  const clock clock_;
  const listener moved_;

  std::atomic<entry*> entries_ = nullptr;  // owned; set once
  std::atomic<size_t> count_ = 0;
  std::atomic<uint64_t> moves_made_ = 0;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::deque<move> moves_;
};

}  // namespace fasterapi::server
