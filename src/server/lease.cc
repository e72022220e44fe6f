#include "server/lease.h"

#include "fasterapi/core/futex.h"
#include "server/shard.h"

namespace fasterapi::server {

void lease::ring() noexcept {
  if (bell_->exchange(0, std::memory_order_acq_rel) != 0) core::futex_wake(*bell_, 1);
}

bool lease::come_back() noexcept {
  return lending_.take_back([this] { shard_.wake(); });
}

}  // namespace fasterapi::server
