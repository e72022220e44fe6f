#include "fasterapi/python/value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fasterapi::python {
namespace {

using kind = value::kind;

TEST(Value, TakesTheKindOfWhatItIsMadeFrom) {
  EXPECT_EQ(value().type(), kind::null);
  EXPECT_EQ(value(true).type(), kind::boolean);
  EXPECT_EQ(value(1).type(), kind::integer);
  EXPECT_EQ(value(1.0).type(), kind::real);
  EXPECT_EQ(value("text").type(), kind::string);
  EXPECT_EQ(value::bytes("data").type(), kind::bytes);
}

TEST(Value, HoldsIntegersOfAnySize) {
  EXPECT_EQ(value(INT64_MIN).integer(), INT64_MIN);
  EXPECT_EQ(value(uint64_t{INT64_MAX}).integer(), INT64_MAX);
  const value large(UINT64_MAX);
  EXPECT_EQ(large.type(), kind::big_integer);
  EXPECT_EQ(large.text(), "18446744073709551615");
  EXPECT_EQ(value::big_integer("-42").integer(), -42);
}

TEST(Value, ComparesByKindAndContent) {
  EXPECT_EQ(value::list({1, "two"}), value::list({1, "two"}));
  EXPECT_FALSE(value::list({1}) == value::tuple({1}));
  EXPECT_FALSE(value(1) == value(1.0));
  EXPECT_FALSE(value("x") == value::bytes("x"));
}

TEST(Value, FindsTheItemOfAKey) {
  const value person = value::dict({{"name", "Ada"}, {7, "seven"}});
  ASSERT_NE(person.find("name"), nullptr);
  EXPECT_EQ(person.find("name")->text(), "Ada");
  EXPECT_EQ(person.find("7"), nullptr);
}

}  // namespace
}  // namespace fasterapi::python
