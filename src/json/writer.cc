#include "json/writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fasterapi::json {

namespace {

static_assert(std::endian::native == std::endian::little, "the first byte of a word is its lowest");

// Bytes that may be written past the end of what is copied: a whole block is stored, then the next one over it.
constexpr size_t block_size = 16;
constexpr size_t escape_max_size = 6;  // \u001f
constexpr size_t code_points_per_chunk = 256;

constexpr uint64_t every_byte(uint8_t value) noexcept { return 0x0101010101010101u * value; }

// 0x80 in each byte of `word` that JSON wants escaped: below 0x20, the quote, the backslash. Exact for each byte.
uint64_t escapes_in(uint64_t word) noexcept {
  constexpr uint64_t high = every_byte(0x80);
  constexpr uint64_t low = every_byte(0x7f);
  const uint64_t control = ~(((word & low) + every_byte(0x60)) | word);
  const uint64_t quote_difference = word ^ every_byte('"');
  const uint64_t backslash_difference = word ^ every_byte('\\');
  const uint64_t quote = ~(((quote_difference & low) + low) | quote_difference);
  const uint64_t backslash = ~(((backslash_difference & low) + low) | backslash_difference);
  return (control | quote | backslash) & high;
}

constexpr bool needs_escape(uint32_t unit) noexcept { return unit < 0x20 || unit == '"' || unit == '\\'; }

template <typename Word>
Word load(const void* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

template <typename Word>
void store(char* to, Word word) noexcept {
  std::memcpy(to, &word, sizeof word);
}

#if defined(__SSE2__)
// One bit per byte of the block that JSON wants escaped.
unsigned escapes_in(__m128i block) noexcept {
  const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(block, _mm_set1_epi8(0x1f)), _mm_set1_epi8(0x1f));
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))));
}

size_t copy_block(char* to, const char* from) noexcept {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block);
  const unsigned found = escapes_in(block);
  return found == 0 ? block_size : static_cast<size_t>(std::countr_zero(found));
}
#endif

size_t copy_word(char* to, const char* from) noexcept {
  const auto word = load<uint64_t>(from);
  store(to, word);
  return static_cast<size_t>(std::countr_zero(escapes_in(word))) / 8;
}

#if !defined(__SSE2__)
size_t copy_block(char* to, const char* from) noexcept {
  const size_t first = copy_word(to, from);
  return first < 8 ? first : 8 + copy_word(to + 8, from + 8);
}
#endif

// copy_clean() for fewer bytes than a block.
size_t copy_clean_short(char* to, const char* from, size_t count) noexcept {
  if (count >= 8) {
    const size_t first = copy_word(to, from);
    return first < 8 ? first : count - 8 + copy_word(to + count - 8, from + count - 8);
  }
  if (count >= 4) {
    const auto head = load<uint32_t>(from);
    const auto tail = load<uint32_t>(from + count - 4);
    store(to, head);
    store(to + count - 4, tail);
    const auto first = static_cast<size_t>(std::countr_zero(escapes_in(head | (uint64_t{tail} << 32)))) / 8;
    return first < 4 ? first : count - 8 + first;
  }
  for (size_t i = 0; i < count; ++i) {
    if (needs_escape(static_cast<uint8_t>(from[i]))) return i;
    to[i] = from[i];
  }
  return count;
}

// Copies bytes up to the first that needs an escape; returns how many. `to` has room for `count` + block_size bytes.
size_t copy_clean(char* to, const char* from, size_t count) noexcept {
  if (count < block_size) return copy_clean_short(to, from, count);
  size_t done = 0;
  do {
    const size_t clean = copy_block(to + done, from + done);
    if (clean < block_size) return done + clean;
    done += block_size;
  } while (count - done >= block_size);
  if (done == count) return count;
  const size_t last = count - block_size;
  return last + copy_block(to + last, from + last);
}

char* write_escape(char* to, uint32_t unit) noexcept {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  constexpr auto letters = [] {
    std::array<char, 128> table{};
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    table['"'] = '"';
    table['\\'] = '\\';
    return table;
  }();
  *to++ = '\\';
  if (const char letter = letters[unit]) {
    *to++ = letter;
    return to;
  }
  to = std::copy_n("u00", 3, to);
  to[0] = hexadecimal[unit >> 4];
  to[1] = hexadecimal[unit & 15];
  return to + 2;
}

char continuation(uint32_t unit, unsigned shift) noexcept { return static_cast<char>(0x80 | ((unit >> shift) & 0x3f)); }

// One code point that is neither a surrogate nor past U+10FFFF, as one to four bytes or an escape.
char* write_code_point(char* to, uint32_t unit) noexcept {
  if (unit < 0x80) {
    if (needs_escape(unit)) return write_escape(to, unit);
    *to++ = static_cast<char>(unit);
    return to;
  }
  if (unit < 0x800) {
    *to++ = static_cast<char>(0xc0 | (unit >> 6));
  } else {
    if (unit < 0x10000) {
      *to++ = static_cast<char>(0xe0 | (unit >> 12));
    } else {
      *to++ = static_cast<char>(0xf0 | (unit >> 18));
      *to++ = continuation(unit, 12);
    }
    *to++ = continuation(unit, 6);
  }
  *to++ = continuation(unit, 0);
  return to;
}

// Copies up to 16 bytes or 8 two-byte units of plain ASCII that need no escape; returns how many units.
template <typename Unit>
size_t copy_ascii_block(char* to, const Unit* from, size_t count) noexcept {
#if defined(__SSE2__)
  if constexpr (sizeof(Unit) <= 2) {
    constexpr size_t units = block_size / sizeof(Unit);
    if (count < units) return 0;
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    __m128i bytes = block;
    if constexpr (sizeof(Unit) == 2) {
      const __m128i wide = _mm_and_si128(block, _mm_set1_epi16(static_cast<int16_t>(0xff80)));
      if (_mm_movemask_epi8(_mm_cmpeq_epi16(wide, _mm_setzero_si128())) != 0xffff) return 0;
      bytes = _mm_packus_epi16(block, block);
    } else if (_mm_movemask_epi8(block) != 0) {
      return 0;
    }
    if (escapes_in(bytes) != 0) return 0;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    return units;
  }
#endif
  (void)to, (void)from, (void)count;
  return 0;
}

template <typename Unit>
bool write_units(core::byte_buffer& out, const Unit* units, size_t count) noexcept {
  out.append('"');
  for (size_t done = 0; done < count;) {
    const size_t stop = std::min(count, done + code_points_per_chunk);
    char* const start = out.prepare((stop - done) * escape_max_size + block_size);
    if (start == nullptr) return true;
    char* to = start;
    while (done < stop) {
      if (const size_t copied = copy_ascii_block(to, units + done, stop - done)) {
        to += copied;
        done += copied;
        continue;
      }
      const uint32_t unit = units[done++];
      if constexpr (sizeof(Unit) > 1) {
        if ((unit >= 0xd800 && unit <= 0xdfff) || unit > 0x10ffff) [[unlikely]]
          return false;
      }
      to = write_code_point(to, unit);
    }
    out.commit(static_cast<size_t>(to - start));
  }
  out.append('"');
  return true;
}

template <typename Integer>
void write_integer(core::byte_buffer& out, Integer value) noexcept {
  constexpr size_t longest = 20;  // -9223372036854775808, 18446744073709551615
  char* const to = out.prepare(longest);
  if (to == nullptr) return;
  out.commit(static_cast<size_t>(std::to_chars(to, to + longest, value).ptr - to));
}

// Digits and a decimal exponent to positional notation: "-1.25e+03" becomes "-1250.0". Returns the end.
char* write_positional(char* to, std::string_view scientific, int exponent) noexcept {
  std::array<char, 17> digits;  // as many as a double ever needs
  size_t count = 0;
  for (const char c : scientific.substr(0, scientific.find('e'))) {
    if (c == '-') *to++ = '-';
    if (c >= '0' && c <= '9') digits[count++] = c;
  }
  if (exponent < 0) {
    to = std::copy_n("0.000", 1 - exponent, to);
    return std::copy_n(digits.data(), count, to);
  }
  const auto whole = static_cast<size_t>(exponent) + 1;
  to = std::copy_n(digits.data(), std::min(whole, count), to);
  if (whole >= count) {
    to = std::fill_n(to, whole - count, '0');
    return std::copy_n(".0", 2, to);
  }
  *to++ = '.';
  return std::copy_n(digits.data() + whole, count - whole, to);
}

}  // namespace

void write_string(core::byte_buffer& out, std::string_view utf8) noexcept {
  const char* from = utf8.data();
  size_t left = utf8.size();
  char* start = out.prepare(left + 2 + block_size);
  if (start == nullptr) return;
  char* to = start;
  *to++ = '"';
  for (;;) {
    const size_t clean = copy_clean(to, from, left);
    to += clean;
    from += clean;
    left -= clean;
    if (left == 0) break;
    out.commit(static_cast<size_t>(to - start));
    start = to = out.prepare(escape_max_size + left + 1 + block_size);
    if (start == nullptr) return;
    to = write_escape(to, static_cast<uint8_t>(*from++));
    --left;
  }
  *to++ = '"';
  out.commit(static_cast<size_t>(to - start));
}

void write_string(core::byte_buffer& out, const uint8_t* latin1, size_t count) noexcept {
  (void)write_units(out, latin1, count);
}

bool write_string(core::byte_buffer& out, const uint16_t* ucs2, size_t count) noexcept {
  return write_units(out, ucs2, count);
}

bool write_string(core::byte_buffer& out, const uint32_t* ucs4, size_t count) noexcept {
  return write_units(out, ucs4, count);
}

void write_int(core::byte_buffer& out, int64_t value) noexcept { write_integer(out, value); }

void write_uint(core::byte_buffer& out, uint64_t value) noexcept { write_integer(out, value); }

bool write_double(core::byte_buffer& out, double value) noexcept {
  constexpr size_t longest = 32;
  constexpr double exact_integers_below = 9007199254740992.0;  // 2^53
  constexpr int positional_from = -4;
  constexpr int positional_below = 16;
  if (!std::isfinite(value)) return false;
  char* const start = out.prepare(longest);
  if (start == nullptr) return true;
  char* to = start;
  if (std::abs(value) < exact_integers_below && value == std::trunc(value)) {
    if (value == 0 && std::signbit(value)) *to++ = '-';
    to = std::to_chars(to, start + longest, static_cast<int64_t>(value)).ptr;
    to = std::copy_n(".0", 2, to);
  } else {
    std::array<char, longest> scientific;
    const char* end =
        std::to_chars(scientific.data(), scientific.data() + longest, value, std::chars_format::scientific).ptr;
    const std::string_view text(scientific.data(), static_cast<size_t>(end - scientific.data()));
    const char* sign = scientific.data() + text.find('e') + 1;
    int exponent = 0;
    std::from_chars(sign + 1, end, exponent);
    if (*sign == '-') exponent = -exponent;
    if (exponent < positional_from || exponent >= positional_below) {
      to = std::copy_n(text.data(), text.size(), to);
    } else {
      to = write_positional(to, text, exponent);
    }
  }
  out.commit(static_cast<size_t>(to - start));
  return true;
}

}  // namespace fasterapi::json
