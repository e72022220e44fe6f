#pragma once

#include <cstdint>
#include <string_view>

#include "core/byte_buffer.h"
#include "shared/domain.h"
#include "shared/region.h"
#include "shared/wait_point.h"

namespace fasterapi::shared {

// Bounds that hold both.
struct queue_options {
  uint64_t max_items;
  uint64_t max_bytes;  // of all items' content
};

// First in, first out. Lives in shared memory.
//
// An item is put wholly or not at all, and taken wholly or not at all, whatever dies when. Any thread of any process
// may call it; `waiting` is what it gives up while somebody else holds the lock.
class queue {
 public:
  enum class outcome {
    done,
    no_room,    // for now
    too_large,  // for any time: more than max_bytes
    full        // the region: shared_memory_max_bytes
  };

  explicit queue(const queue_options& options) noexcept : options_(options) {}

  outcome put(const region& in, std::string_view item, patience& waiting) noexcept;
  // Appends the first item to `out` and removes it, unless `out` fails. False where there is none.
  bool get(const region& in, core::byte_buffer& out, patience& waiting) noexcept;
  uint64_t size(const region& in, patience& waiting) noexcept;

  const queue_options& options() const noexcept { return options_; }
  domain& guarded() noexcept { return guarded_; }
  wait_point& item_came() noexcept { return item_came_; }
  wait_point& item_left() noexcept { return item_left_; }

 private:
  struct item {
    uint64_t next;
    uint64_t bytes;  // its content follows
  };

  outcome try_put(const region& in, std::string_view content, patience& waiting) noexcept;
  bool try_get(const region& in, core::byte_buffer& out, patience& waiting) noexcept;

  const queue_options options_;
  domain guarded_;
  // Guarded by it.
  uint64_t first_ = 0;
  uint64_t last_ = 0;
  uint64_t items_ = 0;
  uint64_t bytes_ = 0;

  wait_point item_came_;
  wait_point item_left_;
};

}  // namespace fasterapi::shared
