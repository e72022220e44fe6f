#pragma once

#include <cstdint>

#include "core/arena.h"
#include "json/value.h"

namespace fasterapi::json {

// Drops the members whose key comes again later and gives the first of each key the last one's value, as Python's dict
// does. Takes time n log n whatever the keys are. Returns how many members are left; 0xFFFFFFFF when memory ran out.
uint32_t drop_repeated_keys(member* members, uint32_t count, core::arena& arena) noexcept;

inline constexpr uint32_t no_members = UINT32_MAX;

}  // namespace fasterapi::json
