#include <string_view>

#include "core/utf8.h"
#include "schema/checker.h"
#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint string_type{"string_type", "Input should be a valid string"};
constexpr complaint string_unicode{"string_unicode",
                                   "Input should be a valid string, unable to parse raw data as a unicode string"};
constexpr complaint bytes_type{"bytes_type", "Input should be a valid bytes"};

struct length_words {
  std::string_view too_short;
  std::string_view too_long;
  std::string_view subject;
  std::string_view unit;
};

constexpr length_words string_words{"string_too_short", "string_too_long", "String", "character"};
constexpr length_words bytes_words{"bytes_too_short", "bytes_too_long", "Data", "byte"};

bool fail_length(checker& by, const location& where, const length_words& words, bool is_short, uint64_t limit,
                 const json::value& input) noexcept {
  message_text message(by.arena());
  message.add(words.subject).add(is_short ? " should have at least " : " should have at most ").add(limit);
  message.add(" ").add(words.unit).add(limit == 1 ? "" : "s");
  message_text context(by.arena());
  context.add(is_short ? "{\"min_length\":" : "{\"max_length\":").add(limit).add("}");
  return by.fail(where, is_short ? words.too_short : words.too_long, message.view(), input, context.view());
}

// Characters of well-formed UTF-8.
size_t count_characters(std::string_view text) noexcept {
  size_t count = 0;
  for (const char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

bool limits_length(const type& expected) noexcept {
  return expected.min_length != 0 || expected.max_length != type::unlimited;
}

}  // namespace

bool checker::check_string(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  if (input.kind == json::kind::bytes && !expected.strict) {
    lower(exactness::lax);
    if (!core::is_utf8(input.view())) return fail(where, string_unicode, input);
  } else if (input.kind != json::kind::string) {
    return fail(where, string_type, input);
  }
  out.kind = value_kind::string;
  out.has_surrogate = input.has_surrogate;
  out.size = input.size;
  out.text = input.text;
  const bool limited = limits_length(expected);
  if (!limited && expected.pattern == nullptr) return true;

  if (input.has_surrogate) return fail(where, string_unicode, input);
  if (limited) {
    const size_t length = count_characters(input.view());
    if (length < expected.min_length) return fail_length(*this, where, string_words, true, expected.min_length, input);
    if (length > expected.max_length) return fail_length(*this, where, string_words, false, expected.max_length, input);
  }
  if (expected.pattern != nullptr && !expected.pattern->search(input.view())) {
    const bound& words = expected.pattern_words;
    return fail(where, "string_pattern_mismatch", words.text, input, words.json);
  }
  return true;
}

bool checker::check_bytes(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  if (input.kind == json::kind::string && !expected.strict) {
    lower(exactness::lax);
    if (input.has_surrogate) return fail(where, string_unicode, input);
  } else if (input.kind != json::kind::bytes) {
    return fail(where, bytes_type, input);
  }
  out.kind = value_kind::bytes;
  out.size = input.size;
  out.text = input.text;
  if (input.size < expected.min_length) return fail_length(*this, where, bytes_words, true, expected.min_length, input);
  if (input.size > expected.max_length) {
    return fail_length(*this, where, bytes_words, false, expected.max_length, input);
  }
  return true;
}

}  // namespace fasterapi::schema
