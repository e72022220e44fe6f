#include "json/writer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace fasterapi::json {
namespace {

std::string text(const core::byte_buffer& out) { return std::string(out.view()); }

std::string string_of(std::string_view utf8) {
  core::byte_buffer out;
  write_string(out, utf8);
  return text(out);
}

std::string double_of(double value) {
  core::byte_buffer out;
  EXPECT_TRUE(write_double(out, value));
  return text(out);
}

// What the writer must say, one byte at a time.
std::string escaped_slowly(std::string_view utf8) {
  std::string out = "\"";
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte >= 0x20) {
      out += c;
    } else if (const size_t at = std::string_view("\b\f\n\r\t").find(c); at != std::string_view::npos) {
      out += {'\\', "bfnrt"[at]};
    } else {
      char hexadecimal[8];
      std::snprintf(hexadecimal, sizeof hexadecimal, "\\u%04x", byte);
      out += hexadecimal;
    }
  }
  return out + '"';
}

TEST(write_string, quotes_plain_text_of_every_length) {
  for (size_t length = 0; length < 100; ++length) {
    const std::string plain(length, 'x');
    EXPECT_EQ(string_of(plain), '"' + plain + '"');
  }
}

TEST(write_string, escapes_every_byte_at_every_place) {
  for (size_t length = 1; length < 70; ++length) {
    for (size_t at = 0; at < length; ++at) {
      for (const char c : {'\0', '\n', '\x1f', '"', '\\', ' ', '!', '\x7f', '[', ']', '#'}) {
        std::string value(length, 'a');
        value[at] = c;
        ASSERT_EQ(string_of(value), escaped_slowly(value)) << length << " at " << at;
      }
    }
  }
}

TEST(write_string, escapes_all_control_characters) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  EXPECT_EQ(string_of(all), escaped_slowly(all));
}

TEST(write_string, passes_utf8_through) {
  EXPECT_EQ(string_of("žluťoučký kůň 🐎 日本語"), "\"žluťoučký kůň 🐎 日本語\"");
}

TEST(write_string, agrees_with_the_slow_way_on_random_bytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string value(random() % 200, '\0');
    for (char& c : value) c = static_cast<char>(random() % 5 == 0 ? random() : 'a' + random() % 26);
    ASSERT_EQ(string_of(value), escaped_slowly(value));
  }
}

TEST(write_string, grows_the_buffer_when_every_byte_is_escaped) {
  const std::string value(10'000, '\x01');
  EXPECT_EQ(string_of(value), escaped_slowly(value));
}

TEST(write_string, latin1_becomes_utf8) {
  core::byte_buffer out;
  std::vector<uint8_t> units;
  std::string expected;
  for (int round = 0; round < 3; ++round) {
    for (uint32_t c = 0; c < 256; ++c) {
      units.push_back(static_cast<uint8_t>(c));
      if (c < 0x80) {
        expected += static_cast<char>(c);
      } else {
        expected += static_cast<char>(0xc0 | (c >> 6));
        expected += static_cast<char>(0x80 | (c & 0x3f));
      }
    }
  }
  write_string(out, units.data(), units.size());
  EXPECT_EQ(text(out), escaped_slowly(expected));
}

template <typename Unit>
std::string units_of(std::basic_string_view<Unit> value) {
  core::byte_buffer out;
  const std::vector<std::conditional_t<sizeof(Unit) == 2, uint16_t, uint32_t>> units(value.begin(), value.end());
  EXPECT_TRUE(write_string(out, units.data(), units.size()));
  return text(out);
}

TEST(write_string, ucs2_becomes_utf8) {
  EXPECT_EQ(units_of<char16_t>(u""), "\"\"");
  EXPECT_EQ(units_of<char16_t>(u"plain ascii and “quotes”\n, then plain ascii again, and a \" too"),
            "\"plain ascii and “quotes”\\n, then plain ascii again, and a \\\" too\"");
  EXPECT_EQ(units_of<char16_t>(u"\u0080\u07ff\u0800\ud7ff\ue000\uffff"), "\"\u0080\u07ff\u0800\ud7ff\ue000\uffff\"");
}

TEST(write_string, ucs4_becomes_utf8) {
  EXPECT_EQ(units_of<char32_t>(U"a\"é日\U0001F40E\U0010FFFF"), "\"a\\\"é日\U0001F40E\U0010FFFF\"");
}

TEST(write_string, ucs2_longer_than_a_chunk) {
  const std::u16string value(1000, u'日');
  std::string expected = "\"";
  for (size_t i = 0; i < value.size(); ++i) expected += "日";
  EXPECT_EQ(units_of<char16_t>(value), expected + '"');
}

TEST(write_string, refuses_surrogates_and_numbers_past_unicode) {
  core::byte_buffer out;
  for (const uint32_t unit : {0xd800u, 0xdbffu, 0xdc00u, 0xdfffu}) {
    EXPECT_FALSE(write_string(out, &unit, 1));
    const auto narrow = static_cast<uint16_t>(unit);
    EXPECT_FALSE(write_string(out, &narrow, 1));
  }
  const uint32_t past = 0x110000;
  EXPECT_FALSE(write_string(out, &past, 1));
}

TEST(write_int, says_the_limits) {
  core::byte_buffer out;
  write_int(out, std::numeric_limits<int64_t>::min());
  write_int(out, 0);
  write_int(out, std::numeric_limits<int64_t>::max());
  write_uint(out, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(text(out), "-92233720368547758080922337203685477580718446744073709551615");
}

TEST(write_double, is_laid_out_as_pythons_repr) {
  EXPECT_EQ(double_of(0.0), "0.0");
  EXPECT_EQ(double_of(-0.0), "-0.0");
  EXPECT_EQ(double_of(1.0), "1.0");
  EXPECT_EQ(double_of(-12345.0), "-12345.0");
  EXPECT_EQ(double_of(0.1), "0.1");
  EXPECT_EQ(double_of(-0.001), "-0.001");
  EXPECT_EQ(double_of(0.0001), "0.0001");
  EXPECT_EQ(double_of(0.00012345), "0.00012345");
  EXPECT_EQ(double_of(0.00001), "1e-05");
  EXPECT_EQ(double_of(1.5e-7), "1.5e-07");
  EXPECT_EQ(double_of(123456.789), "123456.789");
  EXPECT_EQ(double_of(9007199254740993.0), "9007199254740992.0");
  EXPECT_EQ(double_of(9999999999999998.0), "9999999999999998.0");
  EXPECT_EQ(double_of(1e16), "1e+16");
  EXPECT_EQ(double_of(1.2345e22), "1.2345e+22");
  EXPECT_EQ(double_of(1e100), "1e+100");
  EXPECT_EQ(double_of(5e-324), "5e-324");
  EXPECT_EQ(double_of(-1.7976931348623157e308), "-1.7976931348623157e+308");
  EXPECT_EQ(double_of(0.30000000000000004), "0.30000000000000004");
}

TEST(write_double, refuses_what_json_cannot_say) {
  core::byte_buffer out;
  EXPECT_FALSE(write_double(out, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(write_double(out, std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(write_double(out, -std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(out.empty());
}

TEST(write_double, reads_back_as_the_same_number) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20'000; ++round) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(std::bit_cast<uint64_t>(std::strtod(double_of(value).c_str(), nullptr)), std::bit_cast<uint64_t>(value));
  }
}

TEST(writer, a_full_buffer_fails_and_does_not_overflow) {
  core::byte_buffer out(64);
  for (int i = 0; i < 20; ++i) {
    write_string(out, "some text that is longer than what is left \x01");
    const uint16_t wide[] = {0x65e5, 0x65e5, 0x65e5};
    EXPECT_TRUE(write_string(out, wide, 3));
    EXPECT_TRUE(write_double(out, 0.1));
    write_int(out, i);
  }
  EXPECT_TRUE(out.failed());
  EXPECT_LE(out.size(), 64u);
}

}  // namespace
}  // namespace fasterapi::json
