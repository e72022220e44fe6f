#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace fasterapi::shared {

// The numbers that a map can add to without decoding anything: a value of nine bytes, a tag and the number.
struct scalar {
  enum class tag : char { integer = 4, real = 7 };
  static constexpr size_t encoded_bytes = 9;

  tag kind = tag::integer;
  union {
    int64_t integer = 0;
    double real;
  };

  static scalar of(int64_t value) noexcept {
    scalar made;
    made.integer = value;
    return made;
  }
  static scalar of(double value) noexcept {
    scalar made;
    made.kind = tag::real;
    made.real = value;
    return made;
  }

  // Nothing where the value is something else.
  static std::optional<scalar> decode(std::string_view value) noexcept {
    if (value.size() != encoded_bytes) return std::nullopt;
    scalar made;
    made.kind = static_cast<tag>(value[0]);
    if (made.kind != tag::integer && made.kind != tag::real) return std::nullopt;
    std::memcpy(&made.integer, value.data() + 1, sizeof made.integer);
    return made;
  }
  // Writes encoded_bytes.
  void encode(char* to) const noexcept {
    to[0] = static_cast<char>(kind);
    std::memcpy(to + 1, &integer, sizeof integer);
  }

  // Nothing where the kinds differ, or the sum of two integers has no room.
  std::optional<scalar> plus(const scalar& other) const noexcept {
    if (kind != other.kind) return std::nullopt;
    if (kind == tag::real) return of(real + other.real);
    int64_t sum = 0;
    if (__builtin_add_overflow(integer, other.integer, &sum)) return std::nullopt;
    return of(sum);
  }
};

}  // namespace fasterapi::shared
