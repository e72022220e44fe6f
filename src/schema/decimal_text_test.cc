#include "schema/decimal_text.h"

#include <gtest/gtest.h>

namespace fasterapi::schema {
namespace {

class decimal_text : public testing::Test {
 protected:
  decimal read(std::string_view text) {
    decimal made;
    EXPECT_TRUE(read_decimal(text, arena, made)) << text;
    return made;
  }
  bool is_read(std::string_view text) {
    decimal made;
    return read_decimal(text, arena, made);
  }

  core::arena arena;
};

TEST_F(decimal_text, keeps_coefficient_and_exponent) {
  const decimal price = read(" -0012.50e3 ");
  EXPECT_TRUE(price.negative);
  EXPECT_EQ(price.digits, "1250");
  EXPECT_EQ(price.exponent, 1);
  EXPECT_EQ(read("0.00").digits, "0");
  EXPECT_EQ(read("0.00").exponent, -2);
  EXPECT_EQ(read("1_000").digits, "1000");
}

TEST_F(decimal_text, refuses_what_is_no_number) {
  for (const std::string_view text : {"", ".", "e5", "1e", "1.2.3", "0x1", "--1", "1 1", "1e9999999999999999999"}) {
    EXPECT_FALSE(is_read(text)) << text;
  }
}

TEST_F(decimal_text, knows_what_is_not_finite) {
  for (const std::string_view text : {"inf", "-Infinity", "NaN", "sNaN", "nan123"}) {
    EXPECT_FALSE(read(text).is_finite) << text;
  }
  EXPECT_FALSE(is_read("infinit"));
}

TEST_F(decimal_text, compares_by_value) {
  EXPECT_EQ(compare(read("1.50"), read("15e-1")), 0);
  EXPECT_EQ(compare(read("-0"), read("0.0")), 0);
  EXPECT_LT(compare(read("-2"), read("1")), 0);
  EXPECT_LT(compare(read("-2"), read("-1")), 0);
  EXPECT_GT(compare(read("1e400"), read("9")), 0);
  EXPECT_LT(compare(read("0.999"), read("1")), 0);
}

TEST_F(decimal_text, knows_multiples) {
  EXPECT_TRUE(is_multiple(read("1.5"), read("0.25")));
  EXPECT_TRUE(is_multiple(read("1e20"), read("3.2")));
  EXPECT_TRUE(is_multiple(read("0"), read("7")));
  EXPECT_FALSE(is_multiple(read("1.6"), read("0.25")));
  EXPECT_FALSE(is_multiple(read("7"), read("10")));
  EXPECT_FALSE(is_multiple(read("1e40"), read("1")));
}

}  // namespace
}  // namespace fasterapi::schema
