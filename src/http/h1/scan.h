#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "http/characters.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Searches for the first byte at which a token of a head ends, 16 bytes at a time where the machine can.
namespace fasterapi::http::h1 {

#if defined(__SSE2__)

namespace detail {

inline __m128i load16(const char* at) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
inline __m128i equal(__m128i bytes, char value) noexcept { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(value)); }
inline unsigned mask(__m128i lanes) noexcept { return static_cast<unsigned>(_mm_movemask_epi8(lanes)); }
// Lanes that hold `first`..`last`, both in ASCII and first > 0.
inline __m128i within(__m128i bytes, char first, char last) noexcept {
  return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(first - 1))),
                       _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(last + 1))));
}

}  // namespace detail

#endif

// Ends a field value: any byte that is not field_value, so CR too.
struct field_value_end {
  static bool stops(char byte) noexcept { return !is_in(char_class::field_value, byte); }
#if defined(__SSE2__)
  static unsigned stops16(__m128i bytes) noexcept {
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    return detail::mask(
        _mm_or_si128(_mm_andnot_si128(detail::equal(bytes, '\t'), control), detail::equal(bytes, 0x7f)));
  }
#endif
};

// Ends the query of a target: any byte that is not target, so SP too.
struct query_end {
  static bool stops(char byte) noexcept { return !is_in(char_class::target, byte); }
#if defined(__SSE2__)
  static unsigned stops16(__m128i bytes) noexcept {
    const __m128i outside = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21));  // signed: obs-text too
    const __m128i special = _mm_or_si128(detail::equal(bytes, '#'), detail::equal(bytes, 0x7f));
    return detail::mask(_mm_or_si128(outside, special));
  }
#endif
};

// Ends the path of a target: as query_end, and '?'.
struct path_end {
  static bool stops(char byte) noexcept { return byte == '?' || query_end::stops(byte); }
#if defined(__SSE2__)
  static unsigned stops16(__m128i bytes) noexcept {
    return query_end::stops16(bytes) | detail::mask(detail::equal(bytes, '?'));
  }
#endif
};

// Ends a token: any byte that is not tchar. Letters, digits and '-' are told apart 16 at a time, the rest one by one.
struct token_end {
  static bool stops(char byte) noexcept { return !is_in(char_class::token, byte); }
};

// The first byte in [at, end) that `Class` stops at; `end` when there is none. Reads nothing outside [begin, end),
// where begin <= at.
template <typename Class>
const char* scan(const char* begin, const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  while (end - at >= 16) {
    if (const unsigned stops = Class::stops16(detail::load16(at))) return at + std::countr_zero(stops);
    at += 16;
  }
  if (at == end) return end;
  if (end - begin >= 16) {
    const char* last = end - 16;
    const unsigned stops = Class::stops16(detail::load16(last)) >> (at - last);
    return stops != 0 ? at + std::countr_zero(stops) : end;
  }
#else
  static_cast<void>(begin);
#endif
  while (at != end && !Class::stops(*at)) ++at;
  return at;
}

// The end of the run of tchar that starts at `at`.
inline const char* scan_token(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  while (end - at >= 16) {
    const __m128i bytes = detail::load16(at);
    const __m128i letters = detail::within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i others = _mm_or_si128(detail::within(bytes, '0', '9'), detail::equal(bytes, '-'));
    const unsigned stops = detail::mask(_mm_or_si128(letters, others)) ^ 0xffffU;
    if (stops != 0) {
      at += std::countr_zero(stops);
      if (token_end::stops(*at)) return at;
      ++at;
      continue;
    }
    at += 16;
  }
#endif
  while (at != end && !token_end::stops(*at)) ++at;
  return at;
}

}  // namespace fasterapi::http::h1
