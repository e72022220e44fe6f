#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"

namespace fasterapi::schema {

// A decimal number as Python's Decimal keeps it: sign, coefficient, exponent.
struct decimal {
  bool negative = false;
  bool is_finite = true;
  std::string_view digits = "0";  // without leading zeros; "0" for zero
  int64_t exponent = 0;

  bool is_zero() const noexcept { return digits == "0"; }
};

// Reads what Python's Decimal(text) accepts, ASCII digits only: white space around it, '_' anywhere, an exponent,
// "Infinity", "NaN". `to` views `text` or the arena. False for anything else, and for exponents past 18 digits.
bool read_decimal(std::string_view text, core::arena& arena, decimal& to) noexcept;

// `of` without trailing zeros in its coefficient.
decimal normalized(decimal of) noexcept;

// Less than, equal to or greater than zero; both must be finite.
int compare(const decimal& left, const decimal& right) noexcept;

// Whether `of` is an integral multiple of `unit`, whose coefficient has at most 18 digits and is not zero. False also
// when the quotient has more than the 28 digits that Python divides with.
bool is_multiple(const decimal& of, const decimal& unit) noexcept;

}  // namespace fasterapi::schema
