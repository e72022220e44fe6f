#include "schema/number_text.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "json/number.h"

namespace fasterapi::schema {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Bytes of the white-space character that `text` starts with; 0 when it starts with another.
size_t leading_space(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const char c = text[0];
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  constexpr std::string_view wide[] = {
      "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
      "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
      "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80",
  };
  for (const std::string_view space : wide) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

size_t trailing_space(std::string_view text) noexcept {
  for (size_t size = 1; size <= 3 && size <= text.size(); ++size) {
    if (leading_space(text.substr(text.size() - size)) == size) return size;
  }
  return 0;
}

// Whether '_' stands only singly and between other characters.
bool underscores_between(std::string_view text) noexcept {
  return !text.starts_with('_') && !text.ends_with('_') && text.find("__") == std::string_view::npos;
}

// `text` without '_'; empty when there was no memory.
std::string_view without_underscores(std::string_view text, core::arena& arena) noexcept {
  char* to = arena.make_array<char>(text.size());
  if (to == nullptr) return {};
  return {to, static_cast<size_t>(std::copy_if(text.begin(), text.end(), to, [](char c) { return c != '_'; }) - to)};
}

// The digits after the zeros they start with, one digit at least; empty when `text` does not start with a digit.
std::string_view without_leading_zeros(std::string_view text) noexcept {
  if (text.empty() || !is_digit(text[0])) return {};
  if (text[0] != '0') return text;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '0' || text[at] == '_') continue;
    if (is_digit(text[at])) return text.substr(at);
    if (text[at] == '.') return text.substr(at - 1);
    return {};
  }
  return text.substr(text.size() - 1);
}

bool is_all(std::string_view text, bool (*holds)(char)) noexcept {
  return std::all_of(text.begin(), text.end(), holds);
}

number_outcome read_cleaned(std::string_view digits, bool negative, core::arena& arena, int64_t& integer,
                            std::string_view& big) noexcept {
  if (digits.find('_') != std::string_view::npos) {
    if (!underscores_between(digits)) return number_outcome::malformed;
    digits = without_underscores(digits, arena);
  }
  if (digits.empty() || !is_all(digits, is_digit)) return number_outcome::malformed;
  if (digits.size() > json::integer_max_digits) return number_outcome::too_long;
  if (digits.size() <= 18) {
    int64_t read = 0;
    for (const char digit : digits) read = read * 10 + (digit - '0');
    integer = negative ? -read : read;
    return number_outcome::small;
  }
  char* to = arena.make_array<char>(digits.size() + 1);
  if (to == nullptr) return number_outcome::malformed;
  to[0] = '-';
  std::copy(digits.begin(), digits.end(), to + 1);
  big = negative ? std::string_view(to, digits.size() + 1) : std::string_view(to + 1, digits.size());
  const auto [end, failure] = std::from_chars(big.data(), big.data() + big.size(), integer);
  return failure == std::errc() ? number_outcome::small : number_outcome::big;
}

bool equals_word(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) { return (a | 0x20) == b; });
}

bool read_plain_real(std::string_view text, double& real) noexcept {
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  if (equals_word(text, "inf") || equals_word(text, "infinity")) {
    real = std::numeric_limits<double>::infinity();
  } else if (equals_word(text, "nan")) {
    real = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (!is_digit(text[0]) && text[0] != '.') return false;
    if (!json::read_real(text, real)) return false;
  }
  if (negative) real = -real;
  return true;
}

}  // namespace

std::string_view trim_space(std::string_view text) noexcept {
  while (const size_t space = leading_space(text)) text.remove_prefix(space);
  while (const size_t space = trailing_space(text)) text.remove_suffix(space);
  return text;
}

number_outcome read_integer(std::string_view text, core::arena& arena, int64_t& integer,
                            std::string_view& digits) noexcept {
  text = trim_space(text);
  bool negative = false;
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return number_outcome::malformed;
  }
  if (text.starts_with('-')) {
    negative = true;
    text.remove_prefix(1);
  }
  text = without_leading_zeros(text);
  if (const size_t dot = text.find('.'); dot != std::string_view::npos && dot + 1 < text.size() &&
                                         is_all(text.substr(dot + 1), [](char c) { return c == '0'; })) {
    text = text.substr(0, dot);
  }
  return read_cleaned(text, negative, arena, integer, digits);
}

bool read_real(std::string_view text, core::arena& arena, double& real) noexcept {
  if (read_plain_real(trim_space(text), real)) return true;
  if (text.find('_') == std::string_view::npos || !underscores_between(text)) return false;
  return read_plain_real(without_underscores(text, arena), real);
}

bool real_from_digits(std::string_view digits, double& real) noexcept {
  return std::from_chars(digits.data(), digits.data() + digits.size(), real).ec == std::errc();
}

}  // namespace fasterapi::schema
