#include "http/url.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fasterapi::http {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs read_query(std::string_view query) {
  core::arena memory;
  pairs all;
  name_value pair;
  for (query_reader reader(query, memory); reader.next(pair);) all.emplace_back(pair.name, pair.value);
  return all;
}

TEST(PercentDecode, GivesPlainTextBackAsItIs) {
  core::arena memory;
  const std::string_view text = "/a/b+c~d";
  const decoded_text got = percent_decode(text, plus_sign::is_plus, memory);
  EXPECT_EQ(got.text.data(), text.data());
  EXPECT_EQ(got.text, text);
}

TEST(PercentDecode, DecodesBytes) {
  core::arena memory;
  EXPECT_EQ(percent_decode("%41%7a%2F%2f+", plus_sign::is_plus, memory).text, "Az//+");
  EXPECT_EQ(percent_decode("a+%2B%25", plus_sign::is_space, memory).text, "a +%");
  const decoded_text got = percent_decode("caf%C3%A9", plus_sign::is_plus, memory);
  EXPECT_EQ(got.text, "caf\xc3\xa9");
  EXPECT_FALSE(got.has_malformed_percent || got.has_null || got.has_invalid_utf8);
}

TEST(PercentDecode, KeepsAndReportsMalformedPercents) {
  core::arena memory;
  for (const std::string_view text : {"%", "%4", "%zz", "%4z", "%%", "a%", "%u0041", "%-1", "% 1"}) {
    const decoded_text got = percent_decode(text, plus_sign::is_plus, memory);
    EXPECT_EQ(got.text, text);
    EXPECT_TRUE(got.has_malformed_percent) << text;
  }
  EXPECT_EQ(percent_decode("%%41", plus_sign::is_plus, memory).text, "%A");
}

TEST(PercentDecode, ReportsNulAndReplacesInvalidUtf8) {
  core::arena memory;
  const decoded_text null = percent_decode("a%00b", plus_sign::is_plus, memory);
  EXPECT_TRUE(null.has_null);
  EXPECT_EQ(null.text, std::string_view("a\0b", 3));
  const decoded_text latin = percent_decode("caf%E9!", plus_sign::is_plus, memory);
  EXPECT_TRUE(latin.has_invalid_utf8);
  EXPECT_EQ(latin.text, "caf\xef\xbf\xbd!");
  const decoded_text overlong = percent_decode("%c0%ae", plus_sign::is_plus, memory);
  EXPECT_TRUE(overlong.has_invalid_utf8);
  EXPECT_EQ(overlong.text, "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_TRUE(percent_decode("\xff", plus_sign::is_plus, memory).has_invalid_utf8);
}

TEST(PercentDecode, IsEmptyWithoutMemory) {
  core::arena memory(8);
  EXPECT_EQ(percent_decode("%41%41%41%41", plus_sign::is_plus, memory).text, "");
  EXPECT_TRUE(memory.failed());
}

TEST(QueryReader, ReadsPairsInOrder) {
  EXPECT_EQ(read_query(""), pairs{});
  EXPECT_EQ(read_query("a=1&b=2&a=3"), (pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}));
  EXPECT_EQ(read_query("a"), (pairs{{"a", ""}}));
  EXPECT_EQ(read_query("a="), (pairs{{"a", ""}}));
  EXPECT_EQ(read_query("=b"), (pairs{{"", "b"}}));
  EXPECT_EQ(read_query("="), (pairs{{"", ""}}));
  EXPECT_EQ(read_query("&&a=b&&c&"), (pairs{{"a", "b"}, {"c", ""}}));
  EXPECT_EQ(read_query("a=b=c;d=e"), (pairs{{"a", "b=c;d=e"}}));
  EXPECT_EQ(read_query("a+b=c+d"), (pairs{{"a b", "c d"}}));
  EXPECT_EQ(read_query("%61%3D=%26%2B&x=%C3%A9&y=%ff&z=%zz"),
            (pairs{{"a=", "&+"}, {"x", "\xc3\xa9"}, {"y", "\xef\xbf\xbd"}, {"z", "%zz"}}));
}

}  // namespace
}  // namespace fasterapi::http
