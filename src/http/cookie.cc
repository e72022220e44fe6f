#include "http/cookie.h"

#include <cstdint>

#include "core/utf8.h"

namespace fasterapi::http {
namespace {

// What str.strip() takes off, of the characters below U+0100.
bool is_python_space(char byte) noexcept {
  const auto value = static_cast<uint8_t>(byte);
  return value == ' ' || (value >= 0x09 && value <= 0x0d) || (value >= 0x1c && value <= 0x1f) || value == 0x85 ||
         value == 0xa0;
}

std::string_view strip(std::string_view text) noexcept {
  while (!text.empty() && is_python_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_python_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_octal(char byte, char highest) noexcept { return byte >= '0' && byte <= highest; }

// A value between quotes without them: "\ooo" is the character of that number, a backslash before any other stands for
// that one.
std::string_view unquote(std::string_view value, core::arena& memory) noexcept {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
  value = value.substr(1, value.size() - 2);
  if (value.find('\\') == std::string_view::npos) return value;
  char* const start = static_cast<char*>(memory.allocate(value.size(), 1));
  if (start == nullptr) return {};
  char* to = start;
  for (size_t i = 0; i < value.size(); ++i) {
    char byte = value[i];
    if (byte == '\\' && i + 3 < value.size() && is_octal(value[i + 1], '3') && is_octal(value[i + 2], '7') &&
        is_octal(value[i + 3], '7')) {
      byte = static_cast<char>((value[i + 1] - '0') * 64 + (value[i + 2] - '0') * 8 + (value[i + 3] - '0'));
      i += 3;
    } else if (byte == '\\' && i + 1 < value.size() && value[i + 1] != '\n') {
      byte = value[++i];
    }
    *to++ = byte;
  }
  return {start, static_cast<size_t>(to - start)};
}

std::string_view from_latin1(std::string_view text, core::arena& memory) noexcept {
  if (core::is_ascii(text)) return text;
  char* const start = static_cast<char*>(memory.allocate(text.size() * 2, 1));
  if (start == nullptr) return {};
  char* to = start;
  for (const char byte : text) {
    const auto value = static_cast<uint8_t>(byte);
    if (value < 0x80) {
      *to++ = byte;
    } else {
      *to++ = static_cast<char>(0xc0 | (value >> 6));
      *to++ = static_cast<char>(0x80 | (value & 0x3f));
    }
  }
  return {start, static_cast<size_t>(to - start)};
}

}  // namespace

bool cookie_reader::next(name_value& to) noexcept {
  while (!rest_.empty()) {
    const size_t end = rest_.find(';');
    const std::string_view piece = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    const size_t equals = piece.find('=');
    const bool has_name = equals != std::string_view::npos;
    const std::string_view name = has_name ? strip(piece.substr(0, equals)) : std::string_view{};
    const std::string_view value = strip(has_name ? piece.substr(equals + 1) : piece);
    if (name.empty() && value.empty()) continue;
    to.name = from_latin1(name, *memory_);
    to.value = from_latin1(unquote(value, *memory_), *memory_);
    return true;
  }
  return false;
}

}  // namespace fasterapi::http
