#include "schema/decimal_text.h"

#include <algorithm>

#include "schema/number_text.h"

namespace fasterapi::schema {

namespace {

constexpr int64_t quotient_digits_max = 28;
constexpr int64_t exponent_max = 999'999'999'999'999'000;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool starts_with_word(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) { return a == (b | 0x20); });
}

bool read_special(std::string_view text, decimal& to) noexcept {
  to.is_finite = false;
  if (starts_with_word(text, "inf"))
    return text.size() == 3 || (text.size() == 8 && starts_with_word(text, "infinity"));
  if (starts_with_word(text, "s")) text.remove_prefix(1);
  if (!starts_with_word(text, "nan")) return false;
  text.remove_prefix(3);
  return std::all_of(text.begin(), text.end(), is_digit);
}

bool read_exponent(std::string_view text, int64_t& exponent) noexcept {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  int64_t read = 0;
  for (const char digit : text) {
    read = read * 10 + (digit - '0');
    if (read > exponent_max) return false;
  }
  exponent = negative ? -read : read;
  return true;
}

// The position of the most significant digit: the number is 0.digits × 10^magnitude.
int64_t magnitude(const decimal& of) noexcept { return static_cast<int64_t>(of.digits.size()) + of.exponent; }

int compare_magnitudes(const decimal& left, const decimal& right) noexcept {
  if (left.is_zero() || right.is_zero()) return static_cast<int>(right.is_zero()) - static_cast<int>(left.is_zero());
  if (magnitude(left) != magnitude(right)) return magnitude(left) < magnitude(right) ? -1 : 1;
  const std::string_view a = normalized(left).digits;
  const std::string_view b = normalized(right).digits;
  const int order = a.compare(b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

uint64_t small_number(std::string_view digits) noexcept {
  uint64_t read = 0;
  for (const char digit : digits) read = read * 10 + static_cast<uint64_t>(digit - '0');
  return read;
}

uint64_t multiply(uint64_t a, uint64_t b, uint64_t modulus) noexcept {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b % modulus);
}

uint64_t power_of_ten(uint64_t exponent, uint64_t modulus) noexcept {
  uint64_t result = 1 % modulus;
  for (uint64_t base = 10 % modulus; exponent != 0; exponent >>= 1, base = multiply(base, base, modulus)) {
    if (exponent & 1) result = multiply(result, base, modulus);
  }
  return result;
}

}  // namespace

bool read_decimal(std::string_view text, core::arena& arena, decimal& to) noexcept {
  text = trim_space(text);
  if (text.find('_') != std::string_view::npos) {
    char* plain = arena.make_array<char>(text.size());
    if (plain == nullptr) return false;
    const char* end = std::copy_if(text.begin(), text.end(), plain, [](char c) { return c != '_'; });
    text = {plain, static_cast<size_t>(end - plain)};
  }
  to.negative = text.starts_with('-');
  if (to.negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  if (!is_digit(text[0]) && text[0] != '.') return read_special(text, to);

  const size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
  if (exponent_at < text.size() && !read_exponent(text.substr(exponent_at + 1), to.exponent)) return false;
  const std::string_view mantissa = text.substr(0, exponent_at);
  char* digits = arena.make_array<char>(mantissa.size() + 1);
  if (digits == nullptr) return false;
  size_t count = 0;
  size_t seen = 0;
  bool has_point = false;
  for (const char c : mantissa) {
    if (c == '.') {
      if (has_point) return false;
      has_point = true;
      continue;
    }
    if (!is_digit(c)) return false;
    ++seen;
    if (has_point) --to.exponent;
    if (count == 0 && c == '0') continue;
    digits[count++] = c;
  }
  if (seen == 0 || to.exponent < -exponent_max || to.exponent + static_cast<int64_t>(count) > exponent_max)
    return false;
  to.digits = count == 0 ? std::string_view("0") : std::string_view(digits, count);
  return true;
}

decimal normalized(decimal of) noexcept {
  if (of.is_zero()) {
    of.exponent = 0;
    return of;
  }
  while (of.digits.ends_with('0')) {
    of.digits.remove_suffix(1);
    ++of.exponent;
  }
  return of;
}

int compare(const decimal& left, const decimal& right) noexcept {
  const bool left_negative = left.negative && !left.is_zero();
  const bool right_negative = right.negative && !right.is_zero();
  if (left_negative != right_negative) return left_negative ? -1 : 1;
  const int order = compare_magnitudes(left, right);
  return left_negative ? -order : order;
}

bool is_multiple(const decimal& of, const decimal& unit) noexcept {
  if (of.is_zero()) return true;
  decimal dividend = normalized(of);
  const decimal divisor = normalized(unit);
  // Python divides with 28 digits: it cannot tell whether a quotient with more has a remainder.
  const bool rounds_up = dividend.digits.compare(divisor.digits) >= 0;
  if (magnitude(dividend) - magnitude(divisor) + (rounds_up ? 1 : 0) > quotient_digits_max) return false;
  const int64_t shift = dividend.exponent - divisor.exponent;
  if (shift < 0) return false;  // the divisor has a factor of ten that the dividend lacks
  const uint64_t modulus = small_number(divisor.digits);
  uint64_t rest = 0;
  for (const char digit : dividend.digits) {
    rest = (multiply(rest, 10, modulus) + static_cast<uint64_t>(digit - '0')) % modulus;
  }
  return multiply(rest, power_of_ten(static_cast<uint64_t>(shift), modulus), modulus) == 0;
}

}  // namespace fasterapi::schema
