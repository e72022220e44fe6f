#include "server/value_json.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fasterapi::server {
namespace {

using python::value;

std::string json_of(const value& from) {
  core::byte_buffer out;
  auto written = write_json(from, out);
  return written.ok() ? std::string(out.view()) : "error: " + written.failure().message;
}

TEST(ValueJson, WritesEachKindAsPythonDoes) {
  EXPECT_EQ(json_of({}), "null");
  EXPECT_EQ(json_of(true), "true");
  EXPECT_EQ(json_of(-7), "-7");
  EXPECT_EQ(json_of(value::big_integer("123456789012345678901234567890")), "123456789012345678901234567890");
  EXPECT_EQ(json_of(1.0), "1.0");
  EXPECT_EQ(json_of("a\"\n\u00e4"), "\"a\\\"\\n\u00e4\"");
  EXPECT_EQ(json_of(value::list({1, value::tuple({"x", {}})})), "[1,[\"x\",null]]");
  EXPECT_EQ(json_of(value::dict({{"a", 1}, {2, value::dict({})}, {{}, false}, {true, 0.5}})),
            "{\"a\":1,\"2\":{},\"null\":false,\"true\":0.5}");
}

TEST(ValueJson, SaysWhatJsonHasNoWordFor) {
  EXPECT_EQ(json_of(value::bytes("x")), "error: JSON has no word for bytes");
  EXPECT_EQ(json_of(value::list({NAN})), "error: JSON has no word for NaN and the infinities");
  EXPECT_EQ(json_of("\xed\xa0\x80"), "error: JSON has no word for a lone surrogate");
  EXPECT_NE(json_of(value::dict({{value::tuple({1}), 1}})).find("error: "), std::string::npos);
}

}  // namespace
}  // namespace fasterapi::server
