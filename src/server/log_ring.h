#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fasterapi/core/zeroed_block.h"

namespace fasterapi::server {

// Lines on their way from one thread to another, in fixed memory. Lines that find no room are counted instead.
//
// Threads: one producer at a time and one consumer; no call waits.
class log_ring {
 public:
  // `bytes` is a power of two.
  explicit log_ring(size_t bytes) noexcept : mask_(bytes - 1), memory_(bytes, 64) {}

  // The producer. Takes all of `lines`, each of which ends in a line break, for the descriptor `to`, or none of them:
  // returns whether they were taken.
  bool push(int to, std::string_view lines) noexcept;
  void add_dropped(uint64_t lines) noexcept { dropped_.fetch_add(lines, std::memory_order_relaxed); }

  // The consumer. The oldest lines, valid until pop(); empty where there are none.
  struct piece {
    int to = -1;
    std::string_view lines;
  };
  piece front() noexcept;
  void pop() noexcept;
  // Any thread.
  bool empty() const noexcept { return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire); }
  uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  // Before each run of lines; runs begin where one fits, and do not wrap around.
  struct run {
    uint32_t bytes;
    int32_t to;
  };
  static constexpr int32_t filler = -1;  // nothing but the rest of the memory before its beginning follows

  static uint64_t space_of(uint64_t bytes) noexcept { return (sizeof(run) + bytes + 7) / 8 * 8; }
  run& at(uint64_t position) const noexcept {
    return *reinterpret_cast<run*>(static_cast<char*>(memory_.data()) + (position & mask_));
  }

  const uint64_t mask_;
  const core::zeroed_block memory_;
  alignas(64) std::atomic<uint64_t> head_ = 0;  // where the next lines go; the producer's
  alignas(64) std::atomic<uint64_t> tail_ = 0;  // where the oldest lines are; the consumer's
  std::atomic<uint64_t> dropped_ = 0;
};

}  // namespace fasterapi::server
