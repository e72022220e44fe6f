#pragma once

#include <atomic>

#include "shared/region.h"
#include "shared/wait_point.h"

namespace fasterapi::shared {

// Something that has happened, or not yet. Lives in shared memory.
class event {
 public:
  bool is_set() const noexcept { return is_set_.load(); }
  void clear() noexcept { is_set_.store(false); }
  void set(const region& in) noexcept {
    is_set_.store(true);
    happened_.notify(in);
  }
  wait_point& happened() noexcept { return happened_; }

 private:
  std::atomic<bool> is_set_ = false;
  wait_point happened_;
};

}  // namespace fasterapi::shared
