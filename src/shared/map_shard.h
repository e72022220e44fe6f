#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/byte_buffer.h"
#include "shared/domain.h"
#include "shared/region.h"

namespace fasterapi::shared {

inline constexpr uint64_t never = ~uint64_t{0};

// What a map was asked for, and what it did on its own; counted since it was made, by whoever uses it.
struct map_stats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
  uint64_t expirations = 0;
};

// One part of a map, with a lock of its own: a table of entries (open addressing), and a list of them by last use where
// their number is bounded. Lives in shared memory; a map_shard_holder works on it.
struct map_shard {
  domain guarded;
  uint64_t table = 0;  // offset of `capacity` slots; 0 while nothing was ever stored
  uint64_t capacity = 0;
  uint64_t live = 0;
  uint64_t removed = 0;  // slots whose entry was removed, and that probing must pass
  uint64_t newest = 0;   // by last use, only where the map is bounded
  uint64_t oldest = 0;
  uint64_t last_version = 0;
  uint64_t next_expiry_ns = never;  // nothing expires before
  map_stats stats;
};

struct map_entry {
  uint64_t hash;
  uint64_t version;
  uint64_t expires_ns;  // monotonic; `never`
  uint64_t newer, older;
  uint64_t key_bytes;  // the key follows the entry
  uint64_t value_bytes;
  std::array<uint64_t, 2> value;  // the value itself where it fits, else the offset of its block

  static constexpr size_t inline_bytes = 16;

  std::string_view key() const noexcept { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }
};

// Holds a shard's lock. What its methods do is committed when they return.
class map_shard_holder {
 public:
  map_shard_holder(const region& in, map_shard& shard, uint64_t max_items, patience& waiting) noexcept
      : region_(in), shard_(shard), max_items_(max_items), held_(in, shard.guarded, waiting) {}

  // The living entry with that key, or null; one that has expired is removed.
  map_entry* find(std::string_view key, uint64_t hash) noexcept;
  // Valid while the lock is held.
  std::string_view value_of(const map_entry& entry) const noexcept;
  // The entry becomes the last used one.
  void touch(map_entry& entry) noexcept;

  // False where the region is full, even after what has expired was removed and some of the oldest were evicted.
  bool insert(std::string_view key, uint64_t hash, std::string_view value, uint64_t expires_ns) noexcept;
  bool replace(map_entry& entry, std::string_view value, uint64_t expires_ns) noexcept;
  void remove(map_entry& entry) noexcept;
  void remove_all() noexcept;
  // Removes what has expired.
  void sweep() noexcept;

  // Calls use(entry) for each living entry.
  template <typename Use>
  void for_each(Use use) noexcept {
    sweep();
    for (uint64_t i = 0; i < shard_.capacity; ++i) {
      if (const uint64_t offset = entry_in(slots()[i])) use(region_.at<map_entry>(offset));
    }
  }

  map_shard& shard() noexcept { return shard_; }

 private:
  static uint64_t entry_in(uint64_t slot) noexcept;
  uint64_t* slots() const noexcept { return &region_.at<uint64_t>(shard_.table); }
  uint64_t* slot_of(const map_entry& entry) const noexcept;
  uint64_t* slot_for_new(uint64_t hash) const noexcept;
  bool try_insert(std::string_view key, uint64_t hash, std::string_view value, uint64_t expires_ns) noexcept;
  bool try_replace(map_entry& entry, std::string_view value, uint64_t expires_ns) noexcept;
  bool write_value(std::string_view value, std::array<uint64_t, 2>& words) noexcept;
  bool make_room_in_table() noexcept;
  bool make_room_in_region(const map_entry* spared, int tries) noexcept;
  void expect_expiry(uint64_t expires_ns) noexcept;
  void unlink(map_entry& entry) noexcept;
  void push_newest(map_entry& entry) noexcept;

  const region& region_;
  map_shard& shard_;
  uint64_t max_items_;  // 0: unbounded
  domain_holder held_;
};

}  // namespace fasterapi::shared
