#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"

namespace fasterapi::schema {

enum class number_outcome : uint8_t { small, big, malformed, too_long };

// Reads an integer as pydantic's lax mode does: white space around it, '+', leading zeros, single '_' between digits
// and a fraction of zeros are all accepted. `small` sets `integer`; `big` sets `digits` (canonical, '-' included),
// which views `text` or the arena.
number_outcome read_integer(std::string_view text, core::arena& arena, int64_t& integer,
                            std::string_view& digits) noexcept;

// Reads a decimal number, "inf", "infinity" or "nan" (any case) with white space around it or '_' between digits.
// A magnitude past a double's range becomes an infinity or zero.
bool read_real(std::string_view text, core::arena& arena, double& real) noexcept;

// `text` without Unicode white space at its ends (UTF-8).
std::string_view trim_space(std::string_view text) noexcept;

// The double nearest to an integer given by its digits; false when it is past a double's range.
bool real_from_digits(std::string_view digits, double& real) noexcept;

}  // namespace fasterapi::schema
