#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/latency_histogram.h"

namespace fasterapi::server {

// Figures of shards, in memory that any thread of any process may read at any time. Every type here is all zero at its
// beginning and holds no pointers, so it may lie in memory that processes share.

// A sum to which one thread adds, or several in turn: a plain load and store.
class tally {
 public:
  void add(uint64_t more = 1) noexcept { set(value() + more); }
  void set(uint64_t now) noexcept { value_.store(now, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_;
};

// A sum of what is rare, to which any thread adds.
class rare_tally {
 public:
  void add(uint64_t more = 1) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }
  void set(uint64_t now) noexcept { value_.store(now, std::memory_order_relaxed); }
  uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_;
};

// Answers by the first digit of their status; the first counts statuses that have no such class.
using status_tallies = std::array<tally, 6>;

inline size_t status_class(uint16_t status) noexcept {
  const auto digit = static_cast<size_t>(status / 100);
  return digit < std::tuple_size_v<status_tallies> ? digit : 0;
}

// What connections carried. Written by the shard's driver.
struct traffic_counts {
  tally bytes_in;
  tally bytes_out;
  tally queued;   // bytes of answers that sockets did not take at once
  tally settled;  // of those: sent since, or given up with their connection
};

// What one shard did. Written by its driver where nothing else is said.
struct shard_counts {
  tally connections_accepted;
  tally connections_closed;
  tally connections_refused;  // turned away at a bound, or for want of descriptors or memory
  tally requests;             // whose head was complete
  tally requests_refused;     // of those: answered 503 because a bound was reached, or their worker was stuck
  tally handed_out;           // to handlers
  tally run_inline;           // of those, their call has ended: on the worker's own thread
  tally run_pooled;           // of those, their call has ended: by pooled workers
  tally lost;                 // of those, nothing is known of them: the shard ended
  tally answered_without_handler;
  traffic_counts traffic;

  rare_tally hand_overs;     // the shard went to a spare driver because its worker was stuck
  rare_tally timeouts;       // calls whose deadline came before their answer
  rare_tally interruptions;  // handlers that were told to end
  rare_tally stuck;          // of those: did not
  rare_tally lines_dropped;  // of the access log, because nobody read it in time

  // Of one turn in `turns_per_measure`: from the end of one wait to the beginning of the next, and for taking the GIL
  // back after that wait, which the worker's own thread writes.
  static constexpr uint32_t turns_per_measure = 8;
  core::latency_histogram turns;
  core::latency_histogram gil_wait;

  // Of those handed out: their call has ended.
  uint64_t completed() const noexcept { return run_inline.value() + run_pooled.value() + lost.value(); }
  // After the shard has ended: what was under way is so no longer.
  void settle() noexcept;
};

// What became of one route's requests on one shard. Written by the shard's driver.
struct route_counts {
  tally run_pooled;
  tally without_handler;
  tally timeouts;
  tally slowest_ns;
  status_tallies answers;

  uint64_t requests() const noexcept;
  uint64_t run_inline() const noexcept;
};

// A text that may be written while others read it: they then see a mixture of both.
class shared_text {
 public:
  static constexpr size_t max_bytes = 192;

  // Longer ones are cut, between two characters of UTF-8.
  void set(std::string_view text) noexcept;
  std::string get() const;

 private:
  std::array<std::atomic<uint64_t>, max_bytes / 8> words_;
};

// How a call came to its answer.
struct call_outcome {
  uint32_t route = 0;
  uint16_t status = 0;
  bool handed_out = false;  // a handler was asked
  bool pooled = false;
  bool timed_out = false;
  int64_t latency_ns = 0;
};

// The figures of one shard, for the one who drives it.
//
// Owner: the shard. Refers to a place on a metrics_board, which outlives it.
class metrics {
 public:
  metrics() noexcept = default;
  metrics(shard_counts& counts, route_counts* routes, core::latency_histogram* latencies, uint32_t route_count) noexcept
      : counts_(&counts), routes_(routes), latencies_(latencies), route_count_(route_count) {}

  shard_counts& counts() const noexcept { return *counts_; }

  // The route of requests that found none, and of those past what the board has room for.
  uint32_t no_route() const noexcept { return route_count_ - 1; }

  // Of each call that was answered, as it ends.
  void answered(const call_outcome& how) noexcept {
    const uint32_t at = how.route < route_count_ ? how.route : no_route();
    route_counts& route = routes_[at];
    route.answers[status_class(how.status)].add();
    latencies_[at].record_alone(how.latency_ns);
    if (how.latency_ns > static_cast<int64_t>(route.slowest_ns.value())) {
      route.slowest_ns.set(static_cast<uint64_t>(how.latency_ns));
    }
    if (how.timed_out) [[unlikely]] {
      route.timeouts.add();
      counts_->timeouts.add();
    }
    if (how.pooled) [[unlikely]] {
      route.run_pooled.add();
    } else if (!how.handed_out) [[unlikely]] {
      route.without_handler.add();
    }
  }

  // Of each call that was handed out, as it ends, whether anybody was there to be answered or not.
  void completed(bool pooled) noexcept { (pooled ? counts_->run_pooled : counts_->run_inline).add(); }

 private:
  shard_counts* counts_ = nullptr;
  route_counts* routes_ = nullptr;
  core::latency_histogram* latencies_ = nullptr;
  uint32_t route_count_ = 0;  // at least 1: the last is no_route()
};

static_assert(std::is_trivially_destructible_v<shard_counts> && std::atomic<uint64_t>::is_always_lock_free);

}  // namespace fasterapi::server
