#include "http/cookie.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fasterapi::http {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs read_cookies(std::string_view value) {
  core::arena memory;
  pairs all;
  name_value pair;
  for (cookie_reader reader(value, memory); reader.next(pair);) all.emplace_back(pair.name, pair.value);
  return all;
}

TEST(CookieReader, ReadsPairsInOrder) {
  EXPECT_EQ(read_cookies(""), pairs{});
  EXPECT_EQ(read_cookies("a=b; c=d"), (pairs{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(read_cookies(" a = b ;;\tc=d=e;"), (pairs{{"a", "b"}, {"c", "d=e"}}));
  EXPECT_EQ(read_cookies("a=; =b; c; ;="), (pairs{{"a", ""}, {"", "b"}, {"", "c"}}));
  EXPECT_EQ(read_cookies("a=1; a=2"), (pairs{{"a", "1"}, {"a", "2"}}));
  EXPECT_EQ(read_cookies("a=%41+b"), (pairs{{"a", "%41+b"}}));
}

TEST(CookieReader, UnquotesValues) {
  EXPECT_EQ(read_cookies(R"(a="b c")"), (pairs{{"a", "b c"}}));
  EXPECT_EQ(read_cookies(R"(a="b\"c\\d")"), (pairs{{"a", R"(b"c\d)"}}));
  EXPECT_EQ(read_cookies(R"(a="\054\101")"), (pairs{{"a", ",A"}}));
  EXPECT_EQ(read_cookies(R"(a="\400\18")"), (pairs{{"a", "40018"}}));
  EXPECT_EQ(read_cookies(R"(a="\")"), (pairs{{"a", "\\"}}));
  EXPECT_EQ(read_cookies(R"(a=")"), (pairs{{"a", "\""}}));
  EXPECT_EQ(read_cookies(R"(a="")"), (pairs{{"a", ""}}));
  EXPECT_EQ(read_cookies(R"(a="b)"), (pairs{{"a", "\"b"}}));
  EXPECT_EQ(read_cookies(R"("a"=b)"), (pairs{{"\"a\"", "b"}}));
  EXPECT_EQ(read_cookies(R"(a="b;c")"), (pairs{{"a", "\"b"}, {"", "c\""}}));
}

TEST(CookieReader, ReadsLatin1) {
  EXPECT_EQ(read_cookies("a=\xe9; b=\"\\351\"; \xa0"
                         "c=\x85"),
            (pairs{{"a", "\xc3\xa9"}, {"b", "\xc3\xa9"}, {"c", ""}}));
  EXPECT_EQ(read_cookies("n\xc3\xa9=v"), (pairs{{"n\xc3\x83\xc2\xa9", "v"}}));
}

TEST(CookieReader, GivesEmptyTextWithoutMemory) {
  core::arena memory(8);
  name_value pair;
  cookie_reader reader("a=\xe9\xe9\xe9\xe9\xe9", memory);
  ASSERT_TRUE(reader.next(pair));
  EXPECT_EQ(pair.value, "");
  EXPECT_TRUE(memory.failed());
}

}  // namespace
}  // namespace fasterapi::http
