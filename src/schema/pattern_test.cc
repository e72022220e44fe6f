#include "schema/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace fasterapi::schema {
namespace {

bool matches(std::string_view source, std::string_view text) {
  std::string reason;
  const auto compiled = pattern::create(source, reason);
  EXPECT_NE(compiled, nullptr) << source << ": " << reason;
  return compiled != nullptr && compiled->search(text);
}

std::string refusal(std::string_view source) {
  std::string reason;
  return pattern::create(source, reason) == nullptr ? reason : "accepted";
}

TEST(pattern, searches_anywhere_unless_anchored) {
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_FALSE(matches("^a$", "a\n"));
}

TEST(pattern, gives_the_perl_classes_their_unicode_meaning) {
  EXPECT_TRUE(matches("^\\d+$", "\xD9\xA1"));  // U+0661, a digit
  EXPECT_TRUE(matches("^\\w+$", "caf\xC3\xA9_1"));
  EXPECT_TRUE(matches("^\\s$", "\xC2\xA0"));
  EXPECT_TRUE(matches("^[\\w-]+$", "\xC3\xA9-x"));
  EXPECT_TRUE(matches("^[^\\d\\s]$", "x"));
  EXPECT_FALSE(matches("^\\W$", "\xC3\xA9"));
  EXPECT_FALSE(matches("^\\D$", "\xD9\xA1"));
}

TEST(pattern, knows_the_other_dialect_s_spellings) {
  EXPECT_TRUE(matches("^\\u00e9\\u{e9}$", "\xC3\xA9\xC3\xA9"));
  EXPECT_TRUE(matches("^(?<year>[0-9]{4})$", "2026"));
  EXPECT_TRUE(matches("^[]a]+$", "a]"));
  EXPECT_TRUE(matches("^\\[\\d\\]$", "[1]"));
}

TEST(pattern, refuses_what_cannot_be_matched_in_linear_time) {
  EXPECT_NE(refusal("(a)\\1"), "accepted");
  EXPECT_NE(refusal("(?=a)"), "accepted");
  EXPECT_NE(refusal("(?<!a)b"), "accepted");
  EXPECT_NE(refusal("[\\W]"), "accepted");
  EXPECT_NE(refusal("("), "accepted");
}

TEST(pattern, takes_no_exponential_time) { EXPECT_FALSE(matches("^(a+)+$", std::string(100'000, 'a') + "b")); }

}  // namespace
}  // namespace fasterapi::schema
