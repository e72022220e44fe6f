#include "shared/map_shard.h"

#include <algorithm>
#include <cstring>

#include "core/clock.h"

namespace fasterapi::shared {

namespace {

// A slot is empty, a mark that an entry was removed, or an entry's offset below the upper bits of its hash.
constexpr uint64_t empty_slot = 0;
constexpr uint64_t removed_slot = 1;
constexpr int tag_shift = 48;
constexpr uint64_t offset_mask = (uint64_t{1} << tag_shift) - 1;

constexpr uint64_t first_capacity = 8;
constexpr int evictions_for_room = 64;

constexpr uint64_t tag_of(uint64_t hash) noexcept { return hash & ~offset_mask; }
size_t entry_bytes(size_t key_bytes) noexcept { return sizeof(map_entry) + key_bytes; }
uint64_t now_ns() noexcept { return static_cast<uint64_t>(core::monotonic_ns()); }

bool has_expired(const map_entry& entry) noexcept { return entry.expires_ns != never && entry.expires_ns <= now_ns(); }

}  // namespace

uint64_t map_shard_holder::entry_in(uint64_t slot) noexcept { return slot == removed_slot ? 0 : slot & offset_mask; }

map_entry* map_shard_holder::find(std::string_view key, uint64_t hash) noexcept {
  if (shard_.capacity == 0) return nullptr;
  const uint64_t mask = shard_.capacity - 1;
  for (uint64_t at = hash & mask; slots()[at] != empty_slot; at = (at + 1) & mask) {
    const uint64_t slot = slots()[at];
    if (slot == removed_slot || tag_of(slot) != tag_of(hash)) continue;
    auto& entry = region_.at<map_entry>(entry_in(slot));
    if (entry.hash != hash || entry.key() != key) continue;
    if (!has_expired(entry)) return &entry;
    ++shard_.stats.expirations;
    remove(entry);
    return nullptr;
  }
  return nullptr;
}

std::string_view map_shard_holder::value_of(const map_entry& entry) const noexcept {
  const char* bytes = entry.value_bytes <= map_entry::inline_bytes ? reinterpret_cast<const char*>(entry.value.data())
                                                                   : &region_.at<char>(entry.value[0]);
  return {bytes, entry.value_bytes};
}

void map_shard_holder::touch(map_entry& entry) noexcept {
  if (max_items_ == 0 || shard_.newest == region_.offset_of(&entry)) return;
  unlink(entry);
  push_newest(entry);
  held_.commit();
}

bool map_shard_holder::insert(std::string_view key, uint64_t hash, std::string_view value,
                              uint64_t expires_ns) noexcept {
  if (max_items_ != 0 && shard_.live >= max_items_) sweep();
  while (max_items_ != 0 && shard_.live >= max_items_) {
    ++shard_.stats.evictions;
    remove(region_.at<map_entry>(shard_.oldest));
  }
  expect_expiry(expires_ns);
  for (int tries = 0;; ++tries) {
    if (make_room_in_table() && try_insert(key, hash, value, expires_ns)) return true;
    if (!make_room_in_region(nullptr, tries)) return false;
  }
}

bool map_shard_holder::replace(map_entry& entry, std::string_view value, uint64_t expires_ns) noexcept {
  expect_expiry(expires_ns);
  for (int tries = 0;; ++tries) {
    if (try_replace(entry, value, expires_ns)) return true;
    if (!make_room_in_region(&entry, tries)) return false;
  }
}

void map_shard_holder::remove(map_entry& entry) noexcept {
  uint64_t* slot = slot_of(entry);
  const auto at = static_cast<uint64_t>(slot - slots());
  if (slots()[(at + 1) & (shard_.capacity - 1)] == empty_slot) {
    held_.set(*slot, empty_slot);
  } else {
    held_.set(*slot, removed_slot);
    held_.set(shard_.removed, shard_.removed + 1);
  }
  held_.set(shard_.live, shard_.live - 1);
  if (max_items_ != 0) unlink(entry);
  if (entry.value_bytes > map_entry::inline_bytes) held_.free(entry.value[0], entry.value_bytes);
  held_.free(region_.offset_of(&entry), entry_bytes(entry.key_bytes));
  held_.commit();
}

void map_shard_holder::remove_all() noexcept {
  for (uint64_t i = 0; i < shard_.capacity; ++i) {
    if (const uint64_t offset = entry_in(slots()[i])) remove(region_.at<map_entry>(offset));
  }
}

void map_shard_holder::sweep() noexcept {
  if (shard_.next_expiry_ns == never) return;
  const uint64_t now = now_ns();
  if (now < shard_.next_expiry_ns) return;
  uint64_t next = never;
  for (uint64_t i = 0; i < shard_.capacity; ++i) {
    const uint64_t offset = entry_in(slots()[i]);
    if (offset == 0) continue;
    auto& entry = region_.at<map_entry>(offset);
    if (entry.expires_ns > now) {
      next = std::min(next, entry.expires_ns);
      continue;
    }
    ++shard_.stats.expirations;
    remove(entry);
  }
  shard_.next_expiry_ns = next;
}

uint64_t* map_shard_holder::slot_of(const map_entry& entry) const noexcept {
  const uint64_t mask = shard_.capacity - 1;
  const uint64_t wanted = tag_of(entry.hash) | region_.offset_of(&entry);
  uint64_t at = entry.hash & mask;
  while (slots()[at] != wanted) at = (at + 1) & mask;
  return slots() + at;
}

uint64_t* map_shard_holder::slot_for_new(uint64_t hash) const noexcept {
  const uint64_t mask = shard_.capacity - 1;
  uint64_t at = hash & mask;
  while (slots()[at] != empty_slot && slots()[at] != removed_slot) at = (at + 1) & mask;
  return slots() + at;
}

bool map_shard_holder::try_insert(std::string_view key, uint64_t hash, std::string_view value,
                                  uint64_t expires_ns) noexcept {
  std::array<uint64_t, 2> words = {};
  const uint64_t offset = held_.allocate(entry_bytes(key.size()));
  if (offset == 0 || !write_value(value, words)) {
    held_.undo();
    return false;
  }
  auto& entry = region_.at<map_entry>(offset);
  held_.set(shard_.last_version, shard_.last_version + 1);
  entry = {hash, shard_.last_version, expires_ns, 0, 0, key.size(), value.size(), words};
  std::memcpy(&entry + 1, key.data(), key.size());
  uint64_t* slot = slot_for_new(hash);
  if (*slot == removed_slot) held_.set(shard_.removed, shard_.removed - 1);
  held_.set(*slot, tag_of(hash) | offset);
  held_.set(shard_.live, shard_.live + 1);
  if (max_items_ != 0) push_newest(entry);
  held_.commit();
  return true;
}

bool map_shard_holder::try_replace(map_entry& entry, std::string_view value, uint64_t expires_ns) noexcept {
  std::array<uint64_t, 2> words = {};
  if (!write_value(value, words)) {
    held_.undo();
    return false;
  }
  held_.set(shard_.last_version, shard_.last_version + 1);
  held_.set(entry.version, shard_.last_version);
  held_.set(entry.expires_ns, expires_ns);
  if (entry.value_bytes > map_entry::inline_bytes) held_.free(entry.value[0], entry.value_bytes);
  held_.set(entry.value_bytes, value.size());
  held_.set(entry.value[0], words[0]);
  held_.set(entry.value[1], words[1]);
  held_.commit();
  touch(entry);
  return true;
}

// The two words that an entry keeps of a value.
bool map_shard_holder::write_value(std::string_view value, std::array<uint64_t, 2>& words) noexcept {
  if (value.size() <= map_entry::inline_bytes) {
    std::memcpy(words.data(), value.data(), value.size());
    return true;
  }
  words[0] = held_.allocate(value.size());
  if (words[0] == 0) return false;
  std::memcpy(&region_.at<char>(words[0]), value.data(), value.size());
  return true;
}

// Keeps a quarter of the slots empty, so that probing ends: makes a larger table, or one without removed entries.
bool map_shard_holder::make_room_in_table() noexcept {
  if ((shard_.live + shard_.removed + 1) * 4 <= shard_.capacity * 3) return true;
  uint64_t capacity = std::max(shard_.capacity, first_capacity);
  while ((shard_.live + 1) * 2 > capacity) capacity *= 2;
  const uint64_t table = held_.allocate(capacity * sizeof(uint64_t));
  if (table == 0) {
    held_.undo();
    return false;
  }
  auto* made = &region_.at<uint64_t>(table);
  std::memset(made, 0, capacity * sizeof(uint64_t));
  for (uint64_t i = 0; i < shard_.capacity; ++i) {
    const uint64_t offset = entry_in(slots()[i]);
    if (offset == 0) continue;
    uint64_t at = region_.at<map_entry>(offset).hash & (capacity - 1);
    while (made[at] != empty_slot) at = (at + 1) & (capacity - 1);
    made[at] = slots()[i];
  }
  if (shard_.table != 0) held_.free(shard_.table, shard_.capacity * sizeof(uint64_t));
  held_.set(shard_.table, table);
  held_.set(shard_.capacity, capacity);
  held_.set(shard_.removed, 0);
  held_.commit();
  return true;
}

// The region is full: drops what has expired, then the oldest, but for `spared`. False where nothing is left to drop.
bool map_shard_holder::make_room_in_region(const map_entry* spared, int tries) noexcept {
  if (tries == 0) {
    const uint64_t before = shard_.live;
    if (spared == nullptr) sweep();
    if (shard_.live < before) return true;
  }
  if (max_items_ == 0 || shard_.oldest == 0 || tries > evictions_for_room) return false;
  auto& oldest = region_.at<map_entry>(shard_.oldest);
  if (&oldest == spared) return false;
  ++shard_.stats.evictions;
  remove(oldest);
  return true;
}

// Before the entry can be seen: the bound must hold whenever a death may come.
void map_shard_holder::expect_expiry(uint64_t expires_ns) noexcept {
  shard_.next_expiry_ns = std::min(shard_.next_expiry_ns, expires_ns);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void map_shard_holder::unlink(map_entry& entry) noexcept {
  uint64_t& from_newer = entry.newer == 0 ? shard_.newest : region_.at<map_entry>(entry.newer).older;
  uint64_t& from_older = entry.older == 0 ? shard_.oldest : region_.at<map_entry>(entry.older).newer;
  held_.set(from_newer, entry.older);
  held_.set(from_older, entry.newer);
}

void map_shard_holder::push_newest(map_entry& entry) noexcept {
  const uint64_t offset = region_.offset_of(&entry);
  uint64_t& from_newest = shard_.newest == 0 ? shard_.oldest : region_.at<map_entry>(shard_.newest).newer;
  held_.set(entry.newer, 0);
  held_.set(entry.older, shard_.newest);
  held_.set(from_newest, offset);
  held_.set(shard_.newest, offset);
}

}  // namespace fasterapi::shared
