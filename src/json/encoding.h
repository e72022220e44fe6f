#pragma once

#include <string_view>

#include "core/arena.h"

namespace fasterapi::json {

// Finds a JSON text's encoding by its byte order mark or its first bytes, as Python's json.detect_encoding does, and
// turns it into UTF-8 without the mark. Surrogates that have no partner are kept in their three-byte form.
//
// False when the bytes are not text in that encoding. `out` views `text` or the arena.
[[nodiscard]] bool to_utf8(std::string_view text, core::arena& arena, std::string_view& out) noexcept;

// Whether `text` is UTF-8, surrogates without a partner allowed.
bool is_utf8_or_surrogates(std::string_view text) noexcept;

// Appends a code point at `to`, which has room for four bytes; returns the bytes written.
size_t put_utf8(uint32_t code_point, char* to) noexcept;

}  // namespace fasterapi::json
