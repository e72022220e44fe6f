#pragma once

#include <string_view>

#include "core/arena.h"

namespace fasterapi::http {

// Percent-decoded text. It is UTF-8 whatever was received: what is wrong is kept or replaced as Python's
// urllib.parse.unquote does, and told to the caller, who may refuse it instead.
struct decoded_text {
  std::string_view text;
  bool has_malformed_percent = false;  // a '%' without two hexadecimal digits; stands in the text as it is
  bool has_null = false;               // a NUL, in most cases from "%00"
  bool has_invalid_utf8 = false;       // each ill-formed part is U+FFFD in the text
};

enum class plus_sign : bool { is_plus, is_space };

// Decodes each %XX, and '+' in a query or form. The result views `text` where nothing had to change, and otherwise
// `memory`; it is empty when there was no memory (memory.failed()).
decoded_text percent_decode(std::string_view text, plus_sign plus, core::arena& memory) noexcept;

// UTF-8, decoded. Views as in percent_decode.
struct name_value {
  std::string_view name;
  std::string_view value;
};

// The pairs of a query or of an application/x-www-form-urlencoded body, in order, as Python's
// urllib.parse.parse_qsl(text, keep_blank_values=True) gives them: '&' separates, empty pieces are skipped, a piece
// without '=' has an empty value.
class query_reader {
 public:
  query_reader(std::string_view query, core::arena& memory) noexcept : rest_(query), memory_(&memory) {}

  // The next pair; false after the last one.
  bool next(name_value& to) noexcept;

 private:
  std::string_view rest_;
  core::arena* memory_;
};

}  // namespace fasterapi::http
