#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fasterapi::http {

// The character classes of the HTTP and URI grammars, one bit each in a table of all byte values.
enum class char_class : uint8_t {
  token = 1,        // tchar (RFC 9110 §5.6.2)
  field_value = 2,  // VCHAR, obs-text, SP, HTAB (RFC 9110 §5.5)
  target = 4,       // visible ASCII except '#'
  reg_name = 8,     // unreserved and sub-delims except ',' (RFC 3986 §3.2.2)
  digit = 16,
};

namespace detail {

constexpr bool contains(std::string_view set, char byte) { return set.find(byte) != std::string_view::npos; }

constexpr std::array<uint8_t, 256> make_char_classes() {
  std::array<uint8_t, 256> table{};
  for (unsigned value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    const bool digit = byte >= '0' && byte <= '9';
    const bool alphanumeric = digit || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    unsigned bits = 0;
    if (alphanumeric || (value != 0 && contains("!#$%&'*+-.^_`|~", byte))) bits |= unsigned(char_class::token);
    if ((value >= 0x20 && value != 0x7f) || byte == '\t') bits |= unsigned(char_class::field_value);
    if (value > 0x20 && value < 0x7f && byte != '#') bits |= unsigned(char_class::target);
    if (alphanumeric || (value != 0 && contains("-._~!$&'()*+;=", byte))) bits |= unsigned(char_class::reg_name);
    if (digit) bits |= unsigned(char_class::digit);
    table[value] = static_cast<uint8_t>(bits);
  }
  return table;
}

constexpr std::array<int8_t, 256> make_hex_values() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < 10; ++i) table['0' + i] = static_cast<int8_t>(i);
  for (size_t i = 0; i < 6; ++i) {
    table['a' + i] = static_cast<int8_t>(10 + i);
    table['A' + i] = static_cast<int8_t>(10 + i);
  }
  return table;
}

inline constexpr std::array<uint8_t, 256> char_classes = make_char_classes();
inline constexpr std::array<int8_t, 256> hex_values = make_hex_values();

}  // namespace detail

constexpr bool is_in(char_class wanted, char byte) noexcept {
  return (detail::char_classes[static_cast<uint8_t>(byte)] & static_cast<uint8_t>(wanted)) != 0;
}

// Whether every byte of `text` is of that class; true for empty text.
constexpr bool is_all(char_class wanted, std::string_view text) noexcept {
  for (const char byte : text) {
    if (!is_in(wanted, byte)) return false;
  }
  return true;
}

// A token is one or more tchar.
constexpr bool is_token(std::string_view text) noexcept { return !text.empty() && is_all(char_class::token, text); }

// 0-15, or -1 for a byte that is no hexadecimal digit.
constexpr int hex_value(char byte) noexcept { return detail::hex_values[static_cast<uint8_t>(byte)]; }

constexpr char to_lower(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
}

constexpr bool is_blank(char byte) noexcept { return byte == ' ' || byte == '\t'; }

// `text` without SP and HTAB at both ends (OWS, RFC 9110 §5.6.3).
constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace fasterapi::http
