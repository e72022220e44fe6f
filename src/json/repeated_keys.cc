#include "json/repeated_keys.h"

#include <algorithm>
#include <cstring>

namespace fasterapi::json {

namespace {

constexpr uint32_t pairwise_max = 16;

bool same_key(const member& a, const member& b) noexcept {
  return a.key.size == b.key.size && std::memcmp(a.key.text, b.key.text, a.key.size) == 0;
}

uint32_t drop_pairwise(member* members, uint32_t count) noexcept {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t at = 0;
    while (at < kept && !same_key(members[at], members[i])) ++at;
    if (at < kept) {
      members[at].item = members[i].item;
    } else {
      members[kept++] = members[i];
    }
  }
  return kept;
}

uint32_t drop_sorted(member* members, uint32_t count, core::arena& arena) noexcept {
  auto* order = arena.make_array<uint32_t>(count);
  auto* dropped = arena.make_array<bool>(count);
  if (order == nullptr || dropped == nullptr) return no_members;
  for (uint32_t i = 0; i < count; ++i) order[i] = i;
  std::sort(order, order + count, [members](uint32_t a, uint32_t b) {
    const int compared = members[a].key.view().compare(members[b].key.view());
    return compared != 0 ? compared < 0 : a < b;
  });
  for (uint32_t i = 0; i < count;) {
    uint32_t last = i;
    while (last + 1 < count && same_key(members[order[last + 1]], members[order[i]])) dropped[order[++last]] = true;
    members[order[i]].item = members[order[last]].item;
    i = last + 1;
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (!dropped[i]) members[kept++] = members[i];
  }
  return kept;
}

}  // namespace

uint32_t drop_repeated_keys(member* members, uint32_t count, core::arena& arena) noexcept {
  return count <= pairwise_max ? drop_pairwise(members, count) : drop_sorted(members, count, arena);
}

}  // namespace fasterapi::json
