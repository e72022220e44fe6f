#pragma once

#include <atomic>
#include <cstdint>

#include "shared/region.h"
#include "shared/wait_point.h"

namespace fasterapi::shared {

// A lock that people hold for as long as they like. Lives in shared memory.
//
// It belongs to a process, and in it to a holder: a number that is no other's for as long as it holds, such as the
// address of a thread or a task. A dead process's lock is free to whoever wants it next.
class mutex {
 public:
  enum class outcome {
    taken,
    recovered,  // taken from a process that died: what it was doing may be half done
    busy,
    deadlock  // the same holder has it already
  };

  outcome try_acquire(const region& in, uint64_t holder) noexcept;
  // False where no holder of this process has it.
  bool release(const region& in) noexcept;
  // Whether somebody living has it.
  bool is_held(const region& in) const noexcept;
  wait_point& freed() noexcept { return freed_; }

 private:
  std::atomic<process_id> owner_ = 0;
  std::atomic<uint64_t> holder_ = 0;  // of the owner's process; 0 while it changes
  wait_point freed_;
};

}  // namespace fasterapi::shared
