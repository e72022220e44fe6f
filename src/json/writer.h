#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/byte_buffer.h"

// JSON values (RFC 8259) appended to a buffer, spelled as Python's json.dumps(ensure_ascii=False) spells them.
//
// Any thread, no state. A buffer that is full drops bytes and says so once, by failed(); nothing here reports it.
// The functions write one value each; commas, colons and brackets are the caller's.
namespace fasterapi::json {

// A string between quotes. `utf8` must be well-formed UTF-8: it is escaped where JSON demands it, not checked.
void write_string(core::byte_buffer& out, std::string_view utf8) noexcept;

// The same for text of one, two or four bytes per code point (Python's own representations), written as UTF-8.
void write_string(core::byte_buffer& out, const uint8_t* latin1, size_t count) noexcept;
// False when the text holds a surrogate or a number past U+10FFFF, which UTF-8 cannot say; what was written until
// then stays and is to be truncated by the caller.
[[nodiscard]] bool write_string(core::byte_buffer& out, const uint16_t* ucs2, size_t count) noexcept;
[[nodiscard]] bool write_string(core::byte_buffer& out, const uint32_t* ucs4, size_t count) noexcept;

void write_int(core::byte_buffer& out, int64_t value) noexcept;
void write_uint(core::byte_buffer& out, uint64_t value) noexcept;

// The shortest digits that read back as the same number, laid out as Python's repr(): "1.0", "-0.0", "1e-05",
// "1e+16". False, and nothing written, for NaN and the infinities: JSON has no word for them.
[[nodiscard]] bool write_double(core::byte_buffer& out, double value) noexcept;

}  // namespace fasterapi::json
