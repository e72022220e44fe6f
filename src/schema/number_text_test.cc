#include "schema/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "json/number.h"

namespace fasterapi::schema {
namespace {

struct integer_case {
  std::string_view text;
  number_outcome outcome;
  int64_t integer;
};

class number_text : public testing::Test {
 protected:
  core::arena arena;
};

TEST_F(number_text, reads_integers_as_pydantic_does) {
  constexpr integer_case cases[] = {
      {"0", number_outcome::small, 0},
      {"-0", number_outcome::small, 0},
      {"42", number_outcome::small, 42},
      {"+42", number_outcome::small, 42},
      {"-42", number_outcome::small, -42},
      {" 42\t", number_outcome::small, 42},
      {"\xC2\xA0 7", number_outcome::small, 7},
      {"007", number_outcome::small, 7},
      {"-007", number_outcome::small, -7},
      {"1_000", number_outcome::small, 1000},
      {"0_000", number_outcome::small, 0},
      {"1.0", number_outcome::small, 1},
      {"1.000", number_outcome::small, 1},
      {"9223372036854775807", number_outcome::small, INT64_MAX},
      {"-9223372036854775808", number_outcome::small, INT64_MIN},
      {"9223372036854775808", number_outcome::big, 0},
      {"", number_outcome::malformed, 0},
      {"-", number_outcome::malformed, 0},
      {"+-1", number_outcome::malformed, 0},
      {"-+1", number_outcome::malformed, 0},
      {"--1", number_outcome::malformed, 0},
      {"1.5", number_outcome::malformed, 0},
      {"1.", number_outcome::malformed, 0},
      {".0", number_outcome::malformed, 0},
      {"1__0", number_outcome::malformed, 0},
      {"_1", number_outcome::malformed, 0},
      {"1_", number_outcome::malformed, 0},
      {"1e3", number_outcome::malformed, 0},
      {"0x10", number_outcome::malformed, 0},
      {"1 2", number_outcome::malformed, 0},
  };
  for (const integer_case& each : cases) {
    int64_t integer = 0;
    std::string_view digits;
    const number_outcome outcome = read_integer(each.text, arena, integer, digits);
    EXPECT_EQ(outcome, each.outcome) << each.text;
    if (outcome == number_outcome::small) {
      EXPECT_EQ(integer, each.integer) << each.text;
    }
  }
}

TEST_F(number_text, keeps_the_digits_of_big_integers_without_leading_zeros) {
  int64_t integer = 0;
  std::string_view digits;
  EXPECT_EQ(read_integer("-00012345678901234567890", arena, integer, digits), number_outcome::big);
  EXPECT_EQ(digits, "-12345678901234567890");
}

TEST_F(number_text, refuses_integers_past_the_digit_limit) {
  int64_t integer = 0;
  std::string_view digits;
  EXPECT_EQ(read_integer(std::string(json::integer_max_digits, '9'), arena, integer, digits), number_outcome::big);
  EXPECT_EQ(read_integer(std::string(json::integer_max_digits + 1, '9'), arena, integer, digits),
            number_outcome::too_long);
}

TEST_F(number_text, reads_reals) {
  const std::pair<std::string_view, double> cases[] = {
      {"1", 1},
      {"1.5", 1.5},
      {".5", .5},
      {"5.", 5},
      {"+1e3", 1000},
      {" -2.5 ", -2.5},
      {"1_0", 10},
      {"1e400", INFINITY},
      {"-1e400", -INFINITY},
      {"1e-400", 0},
      {"INF", INFINITY},
      {"-Infinity", -INFINITY},
      {"0.0000000000000000000000000000001e-300", 0},
  };
  for (const auto& [text, expected] : cases) {
    double real = 1.25;
    EXPECT_TRUE(read_real(text, arena, real)) << text;
    EXPECT_EQ(real, expected) << text;
  }
  double real = 0;
  EXPECT_TRUE(read_real("NaN", arena, real));
  EXPECT_TRUE(std::isnan(real));
}

TEST_F(number_text, refuses_what_is_no_real) {
  for (const std::string_view text : {"", ".", "e5", "1e", "0x10", "1,5", "nan(1)", "infinit", "--1", "1_", "1 1"}) {
    double real = 0;
    EXPECT_FALSE(read_real(text, arena, real)) << text;
  }
}

}  // namespace
}  // namespace fasterapi::schema
