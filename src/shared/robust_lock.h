#pragma once

#include <pthread.h>

namespace fasterapi::shared {

// A lock in shared memory that survives its holder: whoever takes it after a holder has died is told so, and must
// repair what the lock guards before going on.
//
// Any thread of any process that maps the memory may call it. It stays where it was made, and is never destroyed.
class robust_lock {
 public:
  enum class outcome {
    taken,
    inherited,  // taken; the holder before died. Repair, then call mark_repaired()
    busy        // not taken: somebody holds it
  };

  robust_lock() noexcept;
  robust_lock(const robust_lock&) = delete;
  robust_lock& operator=(const robust_lock&) = delete;

  outcome lock() noexcept;
  outcome try_lock() noexcept;
  // What the lock guards is whole again. Dying before this leaves the repair to the next holder.
  void mark_repaired() noexcept;
  void unlock() noexcept;

 private:
  pthread_mutex_t mutex_;
};

}  // namespace fasterapi::shared
