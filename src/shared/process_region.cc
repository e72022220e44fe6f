#include "shared/process_region.h"

#include <atomic>
#include <cerrno>
#include <mutex>
#include <new>

namespace fasterapi::shared {

namespace {

// The one handle of the process: interpreters load this library once, and have nothing else in common.
constinit std::mutex making;
constinit std::atomic<const region*> current = nullptr;
constinit size_t max_bytes_to_make = default_max_bytes;  // guarded by `making`

core::result<const region*> keep(core::result<region> made) {
  if (!made.ok()) return made.take_failure();
  // Never unmapped: objects point into it until the process ends.
  auto* kept = new (std::nothrow) region(made.take());
  if (kept == nullptr) return core::system_error(ENOMEM, "keep shared memory");
  current.store(kept, std::memory_order_release);
  return static_cast<const region*>(kept);
}

}  // namespace

core::result<const region*> process_region() {
  if (const region* made = current.load(std::memory_order_acquire)) return made;
  const std::lock_guard lock(making);
  if (const region* made = current.load(std::memory_order_relaxed)) return made;
  return keep(region::create(max_bytes_to_make));
}

core::result<> adopt_process_region(int descriptor) {
  const std::lock_guard lock(making);
  if (current.load(std::memory_order_relaxed) != nullptr) return core::system_error(EBUSY, "take over shared memory");
  TRY(keep(region::attach(descriptor)));
  return core::nothing{};
}

bool set_process_region_max_bytes(size_t max_bytes) noexcept {
  const std::lock_guard lock(making);
  if (max_bytes < smallest_max_bytes || current.load(std::memory_order_relaxed) != nullptr) return false;
  max_bytes_to_make = max_bytes;
  return true;
}

}  // namespace fasterapi::shared
