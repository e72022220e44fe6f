#pragma once

#include <cstddef>
#include <string_view>

namespace fasterapi::core {

// One step through text that should be UTF-8: a well-formed sequence, or the longest start of one that cannot go on
// ("maximal subpart", Unicode §3.9). A decoder that replaces writes one U+FFFD for each ill-formed step.
struct utf8_step {
  size_t size;
  bool is_valid;
};

// `text` must not be empty.
utf8_step next_utf8(std::string_view text) noexcept;

bool is_ascii(std::string_view text) noexcept;
bool is_utf8(std::string_view text) noexcept;

inline constexpr std::string_view replacement_character = "\xef\xbf\xbd";  // U+FFFD in UTF-8

// Copies `text` to `to` with U+FFFD for every ill-formed step; returns the bytes written, at most 3 * text.size().
size_t copy_as_utf8(std::string_view text, char* to) noexcept;

}  // namespace fasterapi::core
