#include "http/url.h"

#include <cstdint>

#include "core/utf8.h"
#include "http/characters.h"

namespace fasterapi::http {
namespace {

// How many bytes at the start of `text` stand for themselves, whatever follows.
size_t plain_size(std::string_view text, bool plus_is_space) noexcept {
  size_t size = 0;
  while (size < text.size()) {
    const char byte = text[size];
    if (byte == '%' || byte == '\0' || (byte == '+' && plus_is_space) || static_cast<uint8_t>(byte) >= 0x80) break;
    ++size;
  }
  return size;
}

}  // namespace

decoded_text percent_decode(std::string_view text, plus_sign plus, core::arena& memory) noexcept {
  const bool plus_is_space = plus == plus_sign::is_space;
  const size_t plain = plain_size(text, plus_is_space);
  decoded_text result;
  result.text = text;
  if (plain == text.size()) return result;

  char* const start = static_cast<char*>(memory.allocate(text.size(), 1));
  if (start == nullptr) {
    result.text = {};
    return result;
  }
  char* at = start;
  for (size_t i = 0; i < text.size(); ++i) {
    char byte = text[i];
    if (byte == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high >= 0 && low >= 0) {
        byte = static_cast<char>(high * 16 + low);
        i += 2;
      } else {
        result.has_malformed_percent = true;
      }
    } else if (byte == '+' && plus_is_space) {
      byte = ' ';
    }
    if (byte == '\0') result.has_null = true;
    *at++ = byte;
  }
  result.text = {start, static_cast<size_t>(at - start)};
  if (core::is_utf8(result.text)) return result;

  result.has_invalid_utf8 = true;
  char* const replaced =
      static_cast<char*>(memory.allocate(result.text.size() * core::replacement_character.size(), 1));
  result.text =
      replaced == nullptr ? std::string_view{} : std::string_view{replaced, core::copy_as_utf8(result.text, replaced)};
  return result;
}

bool query_reader::next(name_value& to) noexcept {
  while (!rest_.empty()) {
    const size_t end = rest_.find('&');
    const std::string_view piece = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    to.name = percent_decode(piece.substr(0, equals), plus_sign::is_space, *memory_).text;
    to.value = equals == std::string_view::npos
                   ? std::string_view{}
                   : percent_decode(piece.substr(equals + 1), plus_sign::is_space, *memory_).text;
    return true;
  }
  return false;
}

}  // namespace fasterapi::http
