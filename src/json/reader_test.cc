#include "json/reader.h"

#include <gtest/gtest.h>

#include <string>

#include "json/scanner.h"

namespace fasterapi::json {
namespace {

// A value as text that tells everything apart, for comparisons.
std::string show(const value& of) {
  switch (of.kind) {
    case kind::null:
      return "null";
    case kind::boolean:
      return of.boolean ? "true" : "false";
    case kind::integer:
      return std::to_string(of.integer);
    case kind::big_integer:
      return "big " + std::string(of.view());
    case kind::real:
      return "real " + std::to_string(of.real);
    case kind::string:
    case kind::bytes:
      return "'" + std::string(of.view()) + (of.has_surrogate ? "'s" : "'");
    case kind::array: {
      std::string shown = "[";
      for (uint32_t i = 0; i < of.size; ++i) shown += show(of.items[i]) + ",";
      return shown + "]";
    }
    case kind::object: {
      std::string shown = "{";
      for (uint32_t i = 0; i < of.size; ++i) shown += show(of.members[i].key) + ":" + show(of.members[i].item) + ",";
      return shown + "}";
    }
  }
  return "?";
}

class json_reader : public testing::Test {
 protected:
  std::string read_text(std::string_view text) {
    value out;
    const read_status status = subject.read(text, arena, out);
    if (status == read_status::ok) return show(out);
    if (status == read_status::unreadable) return "unreadable";
    return std::string(subject.problem().message) + " at " + std::to_string(subject.problem().position);
  }

  std::string scan_text(std::string_view text) {
    scanner scan(text, reader::default_depth_max, arena);
    value out;
    switch (scan.scan(out)) {
      case scanner::outcome::ok:
        return show(out);
      case scanner::outcome::too_large:
        return "unreadable";
      case scanner::outcome::invalid:
        break;
    }
    return std::string(scan.message()) + " at " + std::to_string(scan.position());
  }

  core::arena arena;
  reader subject;
};

TEST_F(json_reader, reads_each_kind_of_value) {
  EXPECT_EQ(read_text("null"), "null");
  EXPECT_EQ(read_text(" [true, false] "), "[true,false,]");
  EXPECT_EQ(read_text("-12"), "-12");
  EXPECT_EQ(read_text("18446744073709551615"), "big 18446744073709551615");
  EXPECT_EQ(read_text("1.0"), "real 1.000000");
  EXPECT_EQ(read_text(R"({"a":{"b":"x\n\u00e9"}})"), "{'a':{'b':'x\n\xC3\xA9',},}");
}

TEST_F(json_reader, lets_the_last_of_equal_keys_win) {
  EXPECT_EQ(read_text(R"({"a":1,"b":2,"a":3})"), "{'a':3,'b':2,}");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += (i == 0 ? "\"k" : ",\"k") + std::to_string(i % 20) + "\":" + std::to_string(i);
  const std::string shown = read_text(many + "}");
  EXPECT_EQ(shown.substr(0, 18), "{'k0':80,'k1':81,'");
  EXPECT_EQ(shown.substr(shown.size() - 10), "'k19':99,}");
}

TEST_F(json_reader, takes_what_python_takes_beyond_json) {
  EXPECT_EQ(read_text("[NaN,-Infinity]"), "[real nan,real -inf,]");
  EXPECT_EQ(read_text("1e999"), "real inf");
  EXPECT_EQ(read_text(R"("\ud800")"), "'\xED\xA0\x80's");
  EXPECT_EQ(read_text("\xEF\xBB\xBF[1]"), "[1,]");
  EXPECT_EQ(read_text(std::string_view("\0[\0001\0]", 6)), "[1,]");
}

TEST_F(json_reader, says_where_a_text_goes_wrong_in_characters) {
  EXPECT_EQ(read_text("[\"\xC3\xA9\", x]"), "Expecting value at 6");
  EXPECT_EQ(read_text("{\"a\":1,}"), "Illegal trailing comma before end of object at 6");
  EXPECT_EQ(read_text(R"("\q")"), R"(Invalid \\escape at 1)");
}

TEST_F(json_reader, bounds_depth_and_digits) {
  const std::string deep(reader::default_depth_max, '[');
  const std::string end(reader::default_depth_max, ']');
  EXPECT_EQ(read_text(deep + end).size(), 3 * reader::default_depth_max - 1);
  EXPECT_EQ(read_text("[" + deep + end + "]"), "unreadable");
  EXPECT_EQ(read_text(std::string(4301, '7')), "unreadable");
}

TEST_F(json_reader, stops_at_the_arena_s_bound) {
  core::arena small(1 << 12);
  std::string many = "[1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  value out;
  EXPECT_EQ(subject.read(many + "]", small, out), read_status::unreadable);
}

TEST_F(json_reader, agrees_with_the_scanner) {
  const std::string texts[] = {
      "0",          "-0",       "1.5e3",       "[]",      "{}",          R"("a\\b\"c\/")", R"(["\ud83d\ude00"])",
      "[1,[2,[]]]", "[1,2",     "{\"a\"}",     "1 1",     "\"\t\"",      "[\"\\u12\"]",    "{\"a\":[{\"b\":null}]}",
      "-",          "0.1e-400", "[1.0,-1e22]", "[truex]", "\"\\u0000\"",
  };
  for (const std::string& text : texts) EXPECT_EQ(read_text(text), scan_text(text)) << text;
}

}  // namespace
}  // namespace fasterapi::json
