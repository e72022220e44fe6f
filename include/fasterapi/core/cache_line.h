#pragma once

#include <cstddef>

namespace fasterapi::core {

// What one core takes from another when either writes.
inline constexpr size_t cache_line_bytes = 64;

// How far apart fields lie that different threads write. Two lines, since processors fetch a line's neighbour with it.
inline constexpr size_t false_sharing_bytes = 2 * cache_line_bytes;

}  // namespace fasterapi::core
