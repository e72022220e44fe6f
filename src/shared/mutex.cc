#include "shared/mutex.h"

namespace fasterapi::shared {

mutex::outcome mutex::try_acquire(const region& in, uint64_t holder) noexcept {
  const process_id self = in.self();
  process_id owner = 0;
  outcome how = outcome::taken;
  if (!owner_.compare_exchange_strong(owner, self)) {
    if (owner == self) return holder_.load() == holder ? outcome::deadlock : outcome::busy;
    if (in.is_alive(owner) || !owner_.compare_exchange_strong(owner, self)) return outcome::busy;
    how = outcome::recovered;
  }
  holder_.store(holder);
  return how;
}

bool mutex::release(const region& in) noexcept {
  if (owner_.load() != in.self()) return false;
  holder_.store(0);
  owner_.store(0);
  freed_.notify(in);
  return true;
}

bool mutex::is_held(const region& in) const noexcept {
  const process_id owner = owner_.load();
  return owner != 0 && in.is_alive(owner);
}

}  // namespace fasterapi::shared
