#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"

namespace fasterapi::schema {

// Reads a UUID: 32 hexadecimal digits, or five groups of them joined by '-', the latter also within braces or behind
// "urn:uuid:". Returns an empty text and fills `to` (16 bytes, big-endian), or says what is wrong, in words that may
// live in the arena.
std::string_view read_uuid(std::string_view text, core::arena& arena, uint8_t* to) noexcept;

}  // namespace fasterapi::schema
