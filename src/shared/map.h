#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/byte_buffer.h"
#include "shared/map_shard.h"
#include "shared/region.h"
#include "shared/scalar.h"

namespace fasterapi::shared {

inline constexpr size_t map_key_max_bytes = 4096;
inline constexpr uint64_t map_value_max_bytes = uint64_t{1} << 30;

struct map_options {
  uint64_t max_items = 0;  // 0: unbounded
  uint64_t ttl_ns = 0;     // 0: entries do not expire
};

// Keys and values as bytes. Lives in shared memory; a `map` works on it.
//
// A bounded map with at most `single_shard_max_items` has one shard, and drops exactly the entry that was used longest
// ago. Others have `many_shards`, by the hash of the key, and a bounded one drops the oldest of the new entry's shard:
// there the bound is shared out evenly, and a map may drop entries before it is quite full.
struct map_object {
  static constexpr uint64_t many_shards = 16;
  static constexpr uint64_t single_shard_max_items = 1024;

  explicit map_object(const map_options& options) noexcept;
  // How much memory one with such options takes, shards included.
  static size_t bytes(const map_options& options) noexcept;

  uint64_t shard_count;
  uint64_t max_items_per_shard;
  uint64_t ttl_ns;
};

// A map of a region, as one process sees it. Any thread may use it; `waiting` is what the calling thread gives up
// while somebody else holds the lock of a shard.
class map {
 public:
  enum class outcome {
    done,
    conflict,   // the entry is not of the version that was asked for
    not_a_sum,  // there is no number to add to, or no room for the sum
    full        // of the region: shared_memory_max_bytes
  };
  static constexpr uint64_t absent = 0;  // the version of no entry

  map(const region& in, map_object& object) noexcept : region_(&in), object_(&object) {}

  // When an entry stored now with that time to live expires; without one, the map's own.
  uint64_t expiry(std::optional<uint64_t> ttl_ns) const noexcept;

  // Appends the value to `out`. Returns its version, or `absent`. Counts as a use.
  uint64_t get(std::string_view key, core::byte_buffer& out, patience& waiting) const noexcept;
  // Does not count as a use.
  bool contains(std::string_view key, patience& waiting) const noexcept;
  // Stores, if the entry has that version still. conflict, done or full.
  outcome set(std::string_view key, std::string_view value, uint64_t expires_ns, std::optional<uint64_t> if_version,
              patience& waiting) const noexcept;
  // Adds to a number, or stores it where there is none; the entry that was there expires when it did before.
  // `sum` becomes the new value. done, not_a_sum or full.
  outcome add(std::string_view key, scalar more, uint64_t expires_ns, scalar& sum, patience& waiting) const noexcept;
  // Removes, and appends the value to `out` where that is not null. False where there was none.
  bool remove(std::string_view key, core::byte_buffer* out, patience& waiting) const noexcept;
  void clear(patience& waiting) const noexcept;
  // Living entries; each shard is counted at a moment of its own.
  uint64_t size(patience& waiting) const noexcept;
  // Appends each entry: size of key, size of value (uint64_t), key, value. Each shard as it was at one moment.
  void copy(core::byte_buffer& out, patience& waiting) const noexcept;
  map_stats stats(patience& waiting) const noexcept;

 private:
  outcome try_set(std::string_view key, std::string_view value, uint64_t expires_ns, std::optional<uint64_t> if_version,
                  patience& waiting) const noexcept;
  outcome try_add(std::string_view key, scalar more, uint64_t expires_ns, scalar& sum,
                  patience& waiting) const noexcept;
  map_shard& shard_at(uint64_t index) const noexcept;
  map_shard_holder hold(uint64_t hash, patience& waiting) const noexcept;

  const region* region_;
  map_object* object_;
};

}  // namespace fasterapi::shared
