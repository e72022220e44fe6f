#include "json/encoding.h"

#include <cstdint>

#include "core/utf8.h"

namespace fasterapi::json {

namespace {

constexpr uint32_t code_point_max = 0x10FFFF;

struct encoding {
  size_t unit = 1;  // bytes: 1, 2 or 4
  bool big_endian = false;
  size_t mark = 0;  // bytes of the byte order mark
};

encoding detect(std::string_view text) noexcept {
  if (text.starts_with(std::string_view("\0\0\xFE\xFF", 4))) return {4, true, 4};
  if (text.starts_with(std::string_view("\xFF\xFE\0\0", 4))) return {4, false, 4};
  if (text.starts_with("\xFE\xFF")) return {2, true, 2};
  if (text.starts_with("\xFF\xFE")) return {2, false, 2};
  if (text.starts_with("\xEF\xBB\xBF")) return {1, false, 3};
  if (text.size() >= 4) {
    if (text[0] == 0) return {text[1] != 0 ? size_t{2} : size_t{4}, true, 0};
    if (text[1] == 0) return {text[2] != 0 || text[3] != 0 ? size_t{2} : size_t{4}, false, 0};
  } else if (text.size() == 2) {
    if (text[0] == 0) return {2, true, 0};
    if (text[1] == 0) return {2, false, 0};
  }
  return {};
}

uint32_t unit_at(std::string_view text, size_t at, const encoding& in) noexcept {
  uint32_t unit = 0;
  for (size_t i = 0; i < in.unit; ++i) {
    const size_t place = in.big_endian ? i : in.unit - 1 - i;
    unit = (unit << 8) | static_cast<unsigned char>(text[at + place]);
  }
  return unit;
}

bool is_high_surrogate(uint32_t unit) noexcept { return (unit & 0xFFFFFC00) == 0xD800; }
bool is_low_surrogate(uint32_t unit) noexcept { return (unit & 0xFFFFFC00) == 0xDC00; }

bool convert(std::string_view text, const encoding& in, core::arena& arena, std::string_view& out) noexcept {
  if (text.size() % in.unit != 0) return false;
  char* to = arena.make_array<char>(text.size() / in.unit * 4);
  if (to == nullptr) return false;
  size_t size = 0;
  for (size_t at = 0; at < text.size(); at += in.unit) {
    uint32_t code = unit_at(text, at, in);
    if (in.unit == 2 && is_high_surrogate(code) && at + 4 <= text.size()) {
      if (const uint32_t low = unit_at(text, at + 2, in); is_low_surrogate(low)) {
        code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
        at += 2;
      }
    }
    if (code > code_point_max) return false;
    size += put_utf8(code, to + size);
  }
  out = {to, size};
  return true;
}

// The three-byte form of a surrogate (U+D800…U+DFFF).
bool starts_with_surrogate(std::string_view text) noexcept {
  return text.size() >= 3 && text[0] == '\xED' && (text[1] & 0xE0) == 0xA0 && (text[2] & 0xC0) == 0x80;
}

}  // namespace

size_t put_utf8(uint32_t code_point, char* to) noexcept {
  if (code_point < 0x80) {
    to[0] = static_cast<char>(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    to[0] = static_cast<char>(0xC0 | (code_point >> 6));
    to[1] = static_cast<char>(0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    to[0] = static_cast<char>(0xE0 | (code_point >> 12));
    to[1] = static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    to[2] = static_cast<char>(0x80 | (code_point & 0x3F));
    return 3;
  }
  to[0] = static_cast<char>(0xF0 | (code_point >> 18));
  to[1] = static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
  to[2] = static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
  to[3] = static_cast<char>(0x80 | (code_point & 0x3F));
  return 4;
}

bool is_utf8_or_surrogates(std::string_view text) noexcept {
  while (!text.empty()) {
    if (starts_with_surrogate(text)) {
      text.remove_prefix(3);
      continue;
    }
    const core::utf8_step step = core::next_utf8(text);
    if (!step.is_valid) return false;
    text.remove_prefix(step.size);
  }
  return true;
}

bool to_utf8(std::string_view text, core::arena& arena, std::string_view& out) noexcept {
  const encoding found = detect(text);
  text.remove_prefix(found.mark);
  if (found.unit != 1) return convert(text, found, arena, out);
  out = text;
  return is_utf8_or_surrogates(text);
}

}  // namespace fasterapi::json
