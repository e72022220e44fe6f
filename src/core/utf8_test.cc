#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace fasterapi::core {
namespace {

std::string replaced(std::string_view text) {
  std::string to(text.size() * 3, '\0');
  to.resize(copy_as_utf8(text, to.data()));
  return to;
}

TEST(Utf8, AcceptsEveryWellFormedSequence) {
  for (uint32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code < 0xe000) continue;
    std::string text;
    const auto add = [&text](uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | code >> 6), add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      add(0xe0 | code >> 12), add(0x80 | (code >> 6 & 0x3f)), add(0x80 | (code & 0x3f));
    } else {
      add(0xf0 | code >> 18), add(0x80 | (code >> 12 & 0x3f)), add(0x80 | (code >> 6 & 0x3f)),
          add(0x80 | (code & 0x3f));
    }
    ASSERT_TRUE(is_utf8(text)) << code;
    ASSERT_EQ(replaced(text), text) << code;
    ASSERT_EQ(is_ascii(text), code < 0x80) << code;
  }
}

TEST(Utf8, ReplacesEachMaximalSubpartOnce) {
  const std::string mark(replacement_character);
  EXPECT_EQ(replaced("\xff"), mark);
  EXPECT_EQ(replaced("\x80\x80"), mark + mark);
  EXPECT_EQ(replaced("\xc0\x80"), mark + mark);  // overlong
  EXPECT_EQ(replaced("\xe2\x82"), mark);         // cut short
  EXPECT_EQ(replaced("\xe2\x82z"), mark + "z");
  EXPECT_EQ(replaced("\xed\xa0\x80"), mark + mark + mark);  // surrogate
  EXPECT_EQ(replaced("\xf0\x9f\x98"), mark);
  EXPECT_EQ(replaced("\xf0\x80\x80\x80"), mark + mark + mark + mark);
  EXPECT_EQ(replaced("\xf4\x90\x80\x80"), mark + mark + mark + mark);
  EXPECT_EQ(replaced("a\xf5z\xf0\x9f\x98\x80"), "a" + mark + "z\xf0\x9f\x98\x80");
  EXPECT_FALSE(is_utf8("\xc3"));
  EXPECT_FALSE(is_utf8("abcdefgh\xed\xb0\x80"));
}

TEST(Utf8, LooksAtEveryByteForAscii) {
  for (size_t at = 0; at < 20; ++at) {
    std::string text(20, 'a');
    EXPECT_TRUE(is_ascii(text));
    text[at] = '\x80';
    EXPECT_FALSE(is_ascii(text)) << at;
  }
  EXPECT_TRUE(is_ascii(""));
}

}  // namespace
}  // namespace fasterapi::core
