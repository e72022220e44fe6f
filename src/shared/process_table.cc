#include "shared/process_table.h"

#include <fcntl.h>

namespace fasterapi::shared {

namespace {

struct flock byte_lock(size_t slot) noexcept {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(slot);
  lock.l_len = 1;
  return lock;
}

}  // namespace

process_id process_table::enter(int descriptor) noexcept {
  for (size_t slot = 0; slot < max_processes; ++slot) {
    struct flock lock = byte_lock(slot);
    if (fcntl(descriptor, F_SETLK, &lock) != 0) continue;
    return (generations_[slot].fetch_add(1) + 1) * max_processes + slot;
  }
  return 0;
}

bool process_table::is_alive(int descriptor, process_id other) const noexcept {
  const size_t slot = slot_of(other);
  if (generations_[slot].load() != other / max_processes) return false;
  struct flock lock = byte_lock(slot);
  return fcntl(descriptor, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

}  // namespace fasterapi::shared
