#pragma once

#include <atomic>

namespace fasterapi::core {

// Two fences that order memory as two sequentially consistent ones do, at unequal cost: the light one, for what happens
// a million times a second, is no instruction at all; the heavy one interrupts every other thread of the process.
//
// Of a thread that stores A, passes light(), and loads B, and another that stores B, passes heavy(), and loads A, at
// least one sees what the other stored. membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED; where the kernel has none,
// both fences are full ones.
class asymmetric_fence {
 public:
  static void light() noexcept {
    if (supported_.load(std::memory_order_relaxed)) [[likely]] {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      full();
    }
  }
  static void heavy() noexcept;

 private:
  static bool enrol() noexcept;
  static void full() noexcept;

  static std::atomic<bool> supported_;
};

}  // namespace fasterapi::core
