#pragma once

#include <string>
#include <string_view>

namespace fasterapi::schema {

// Spells a pattern of pydantic's dialect (Rust's regex) in RE2's: \d, \w and \s stand for Unicode's classes, \uXXXX and
// \u{…} for characters, (?<name>…) for a named group. What means the same in both stays as it is.
//
// False when RE2 has no words for a part of it; `reason` then says for which.
[[nodiscard]] bool to_re2(std::string_view pattern, std::string& re2, std::string& reason);

}  // namespace fasterapi::schema
