#include "http/message.h"

#include <gtest/gtest.h>

namespace fasterapi::http {
namespace {

TEST(Method, NamesGoBothWays) {
  for (size_t i = 0; i < method_count; ++i) {
    const auto value = static_cast<method>(i);
    EXPECT_FALSE(to_string(value).empty());
    EXPECT_EQ(method_from(to_string(value)), value);
  }
  EXPECT_EQ(to_string(method::other), "");
}

TEST(Method, IsCaseSensitive) {
  EXPECT_EQ(method_from("get"), method::other);
  EXPECT_EQ(method_from(""), method::other);
  EXPECT_EQ(method_from("GETS"), method::other);
}

TEST(FieldName, ComparesWithoutCaseInAsciiOnly) {
  EXPECT_TRUE(equals_ignoring_case("Content-Type", "content-type"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("Content\rType", "content-type"));
  EXPECT_FALSE(equals_ignoring_case("@ost", "`ost"));
  EXPECT_FALSE(equals_ignoring_case("hos", "host"));
}

TEST(RequestHead, FindsTheFirstFieldOfAName) {
  static constexpr char bytes[] = "A:1 B:2 a:3";
  request_head head;
  head.base = bytes;
  head.field_count = 3;
  head.fields[0] = {{0, 1}, {2, 1}, field_id::other};
  head.fields[1] = {{4, 1}, {6, 1}, field_id::other};
  head.fields[2] = {{8, 1}, {10, 1}, field_id::other};
  ASSERT_NE(head.find("a"), nullptr);
  EXPECT_EQ(head.view(head.find("a")->value), "1");
  EXPECT_EQ(head.view(head.find("b")->value), "2");
  EXPECT_EQ(head.find("c"), nullptr);
}

}  // namespace
}  // namespace fasterapi::http
