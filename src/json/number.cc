#include "json/number.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

namespace fasterapi::json {

namespace {

// Whether a decimal number that a double cannot hold is too large for it, rather than too small.
bool is_overflow(std::string_view number) noexcept {
  const size_t exponent_at = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, exponent_at);
  const size_t dot = std::min(mantissa.find('.'), mantissa.size());
  const size_t first = mantissa.find_first_of("123456789");
  const int64_t place = first < dot ? static_cast<int64_t>(dot - first) : -static_cast<int64_t>(first - dot - 1);
  if (exponent_at == number.size()) return place > 0;
  std::string_view digits = number.substr(exponent_at + 1);
  const bool negative = digits.starts_with('-');
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  int64_t exponent = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc()) return !negative;
  return place > (negative ? exponent : -exponent);
}

}  // namespace

bool read_real(std::string_view text, double& real) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || !((text[0] >= '0' && text[0] <= '9') || text[0] == '.')) return false;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), real);
  if (end != text.data() + text.size() || failure == std::errc::invalid_argument) return false;
  if (failure == std::errc::result_out_of_range) {
    real = is_overflow(text) ? std::numeric_limits<double>::infinity() : 0.0;
  }
  if (negative) real = -real;
  return true;
}

}  // namespace fasterapi::json
