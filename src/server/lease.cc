#include "server/lease.h"

#include "core/thread_usage.h"
#include "fasterapi/core/futex.h"
#include "server/shard.h"

namespace fasterapi::server {

void lease::ring() noexcept {
  if (bell_->exchange(0, std::memory_order_acq_rel) != 0) core::futex_wake(*bell_, 1);
}

bool lease::come_back() noexcept {
  returned_.last = core::ticks::now();
  const int64_t pauses = core::thread_usage::now().pauses;
  const bool was_lent = lending_.take_back([this] { shard_.wake(); });
  returned_.pauses += core::thread_usage::now().pauses - pauses;
  return was_lent;
}

}  // namespace fasterapi::server
