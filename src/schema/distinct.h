#pragma once

#include <cstdint>

#include "core/arena.h"
#include "schema/value.h"

namespace fasterapi::schema {

// How many of `count` values Python's == tells apart; `stride` is the distance from one to the next. Takes time n log n
// whatever the values are. Values that Python cannot hash must not be among them. `count` when memory ran out.
uint32_t count_distinct(const value* values, uint32_t count, uint32_t stride, core::arena& arena) noexcept;

// Sorts the values and drops those that Python's == finds equal to another; returns how many are left. Two frozensets
// are compared item by item: theirs must have been sorted so.
uint32_t sort_distinct(value* values, uint32_t count, core::arena& arena) noexcept;

// Whether a set may hold the value.
bool is_hashable(const value& of) noexcept;

}  // namespace fasterapi::schema
