#pragma once

#include <atomic>
#include <cstdint>

namespace fasterapi::server {

// Requests whose handlers have not ended: those of one shard, and those of all shards of the process together.
//
// Owner: a shard's driver. What a handler that ends within its turn costs is one addition; only one that outlasts its
// turn, of which each shard has many, is told to the process. So the process's number leaves out at most one request
// for each shard.
class in_flight {
 public:
  in_flight(uint32_t max, uint32_t max_in_process) noexcept : max_(max), max_in_process_(max_in_process) {}
  in_flight(const in_flight&) = delete;
  in_flight& operator=(const in_flight&) = delete;

  bool shard_full() const noexcept { return here_ >= max_; }
  bool process_full() const noexcept { return in_process_.load(std::memory_order_relaxed) >= max_in_process_; }
  bool full() const noexcept { return shard_full() || process_full(); }

  // A handler begins.
  void begin() noexcept { ++here_; }
  // It goes on after its turn, or on another thread.
  void outlast() noexcept { in_process_.fetch_add(1, std::memory_order_relaxed); }
  // It has ended.
  void end(bool outlasted) noexcept {
    --here_;
    if (outlasted) in_process_.fetch_sub(1, std::memory_order_relaxed);
  }

  uint32_t here() const noexcept { return here_; }
  uint32_t max() const noexcept { return max_; }
  uint32_t max_in_process() const noexcept { return max_in_process_; }

 private:
  const uint32_t max_;
  const uint32_t max_in_process_;
  uint32_t here_ = 0;

  // Any thread.
  static inline std::atomic<uint32_t> in_process_ = 0;
};

}  // namespace fasterapi::server
