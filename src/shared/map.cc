#include "shared/map.h"

#include <cstring>
#include <new>

#include "core/clock.h"
#include "shared/siphash.h"

namespace fasterapi::shared {

namespace {

uint64_t shards_for(const map_options& options) noexcept {
  const bool exact = options.max_items != 0 && options.max_items <= map_object::single_shard_max_items;
  return exact ? 1 : map_object::many_shards;
}

// The shards follow the object.
constexpr size_t shards_at = (sizeof(map_object) + 63) / 64 * 64;
constexpr size_t shard_bytes = (sizeof(map_shard) + 63) / 64 * 64;

}  // namespace

map_object::map_object(const map_options& options) noexcept
    : shard_count(shards_for(options)), max_items_per_shard(options.max_items / shard_count), ttl_ns(options.ttl_ns) {
  auto* first = reinterpret_cast<std::byte*>(this) + shards_at;
  for (uint64_t i = 0; i < shard_count; ++i) new (first + i * shard_bytes) map_shard();
}

size_t map_object::bytes(const map_options& options) noexcept { return shards_at + shards_for(options) * shard_bytes; }

map_shard& map::shard_at(uint64_t index) const noexcept {
  return *reinterpret_cast<map_shard*>(reinterpret_cast<std::byte*>(object_) + shards_at + index * shard_bytes);
}

// Bits of the hash that a shard's table uses last of all.
map_shard_holder map::hold(uint64_t hash, patience& waiting) const noexcept {
  return {*region_, shard_at((hash >> 40) % object_->shard_count), object_->max_items_per_shard, waiting};
}

uint64_t map::expiry(std::optional<uint64_t> ttl_ns) const noexcept {
  const uint64_t ttl = ttl_ns.value_or(object_->ttl_ns);
  if (ttl == 0) return never;
  uint64_t expires = 0;
  return __builtin_add_overflow(static_cast<uint64_t>(core::monotonic_ns()), ttl, &expires) ? never : expires;
}

uint64_t map::get(std::string_view key, core::byte_buffer& out, patience& waiting) const noexcept {
  const uint64_t hash = siphash(region_->header().hash_key, key);
  map_shard_holder held = hold(hash, waiting);
  map_entry* entry = held.find(key, hash);
  if (entry == nullptr) {
    ++held.shard().stats.misses;
    return absent;
  }
  ++held.shard().stats.hits;
  out.append(held.value_of(*entry));
  held.touch(*entry);
  return entry->version;
}

bool map::contains(std::string_view key, patience& waiting) const noexcept {
  const uint64_t hash = siphash(region_->header().hash_key, key);
  return hold(hash, waiting).find(key, hash) != nullptr;
}

map::outcome map::set(std::string_view key, std::string_view value, uint64_t expires_ns,
                      std::optional<uint64_t> if_version, patience& waiting) const noexcept {
  const outcome first = try_set(key, value, expires_ns, if_version, waiting);
  if (first != outcome::full) return first;
  size(waiting);  // drops what has expired in any shard
  return try_set(key, value, expires_ns, if_version, waiting);
}

map::outcome map::try_set(std::string_view key, std::string_view value, uint64_t expires_ns,
                          std::optional<uint64_t> if_version, patience& waiting) const noexcept {
  const uint64_t hash = siphash(region_->header().hash_key, key);
  map_shard_holder held = hold(hash, waiting);
  map_entry* entry = held.find(key, hash);
  if (if_version && *if_version != (entry == nullptr ? absent : entry->version)) return outcome::conflict;
  const bool stored =
      entry == nullptr ? held.insert(key, hash, value, expires_ns) : held.replace(*entry, value, expires_ns);
  return stored ? outcome::done : outcome::full;
}

map::outcome map::add(std::string_view key, scalar more, uint64_t expires_ns, scalar& sum,
                      patience& waiting) const noexcept {
  const outcome first = try_add(key, more, expires_ns, sum, waiting);
  if (first != outcome::full) return first;
  size(waiting);
  return try_add(key, more, expires_ns, sum, waiting);
}

map::outcome map::try_add(std::string_view key, scalar more, uint64_t expires_ns, scalar& sum,
                          patience& waiting) const noexcept {
  const uint64_t hash = siphash(region_->header().hash_key, key);
  map_shard_holder held = hold(hash, waiting);
  map_entry* entry = held.find(key, hash);
  char encoded[scalar::encoded_bytes];
  bool stored = false;
  if (entry == nullptr) {
    sum = more;
    sum.encode(encoded);
    stored = held.insert(key, hash, {encoded, sizeof encoded}, expires_ns);
  } else {
    const std::optional<scalar> before = scalar::decode(held.value_of(*entry));
    const std::optional<scalar> after = before ? before->plus(more) : std::nullopt;
    if (!after) return outcome::not_a_sum;
    sum = *after;
    sum.encode(encoded);
    stored = held.replace(*entry, {encoded, sizeof encoded}, entry->expires_ns);
  }
  return stored ? outcome::done : outcome::full;
}

bool map::remove(std::string_view key, core::byte_buffer* out, patience& waiting) const noexcept {
  const uint64_t hash = siphash(region_->header().hash_key, key);
  map_shard_holder held = hold(hash, waiting);
  map_entry* entry = held.find(key, hash);
  if (entry == nullptr) return false;
  if (out != nullptr) {
    out->append(held.value_of(*entry));
    if (out->failed()) return true;  // what the caller cannot take stays
  }
  held.remove(*entry);
  return true;
}

void map::clear(patience& waiting) const noexcept {
  for (uint64_t i = 0; i < object_->shard_count; ++i) {
    map_shard_holder(*region_, shard_at(i), object_->max_items_per_shard, waiting).remove_all();
  }
}

uint64_t map::size(patience& waiting) const noexcept {
  uint64_t total = 0;
  for (uint64_t i = 0; i < object_->shard_count; ++i) {
    map_shard_holder held(*region_, shard_at(i), object_->max_items_per_shard, waiting);
    held.sweep();
    total += held.shard().live;
  }
  return total;
}

void map::copy(core::byte_buffer& out, patience& waiting) const noexcept {
  for (uint64_t i = 0; i < object_->shard_count; ++i) {
    map_shard_holder held(*region_, shard_at(i), object_->max_items_per_shard, waiting);
    held.for_each([&](const map_entry& entry) {
      const uint64_t sizes[2] = {entry.key_bytes, entry.value_bytes};
      out.append({reinterpret_cast<const char*>(sizes), sizeof sizes});
      out.append(entry.key());
      out.append(held.value_of(entry));
    });
  }
}

map_stats map::stats(patience& waiting) const noexcept {
  map_stats total;
  for (uint64_t i = 0; i < object_->shard_count; ++i) {
    const map_shard_holder held(*region_, shard_at(i), object_->max_items_per_shard, waiting);
    const map_stats& of_shard = shard_at(i).stats;
    total.hits += of_shard.hits;
    total.misses += of_shard.misses;
    total.evictions += of_shard.evictions;
    total.expirations += of_shard.expirations;
  }
  return total;
}

}  // namespace fasterapi::shared
