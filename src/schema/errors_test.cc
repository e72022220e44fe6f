#include "schema/errors.h"

#include <gtest/gtest.h>

#include <string>

namespace fasterapi::schema {
namespace {

class errors : public testing::Test {
 protected:
  void add(std::string_view type, uint32_t rank) {
    list.current_rank = rank;
    const location root{nullptr, step::of("body")};
    const location item{&root, step::of(int64_t{2})};
    list.add(arena, item, type, "says what", json::value::of_integer(7));
  }

  std::string body() {
    core::byte_buffer out;
    write_errors(list, out);
    return std::string(out.view());
  }

  core::arena arena;
  error_list list;
};

TEST_F(errors, are_written_as_fastapi_writes_them) {
  add("some_type", 0);
  EXPECT_EQ(body(), R"({"detail":[{"type":"some_type","loc":["body",2],"msg":"says what","input":7}]})");
}

TEST_F(errors, made_elsewhere_stand_where_their_parameter_has_its_place) {
  add("first", 0);
  add("third", 2);
  list.add_raw(arena, R"({"raw":1})", 1);
  list.add_raw(arena, R"({"raw":3})", 3);
  const std::string written = body();
  EXPECT_LT(written.find("first"), written.find("\"raw\":1"));
  EXPECT_LT(written.find("\"raw\":1"), written.find("third"));
  EXPECT_LT(written.find("third"), written.find("\"raw\":3"));
  EXPECT_EQ(list.size(), 4u);
}

TEST_F(errors, can_be_taken_back) {
  add("kept", 0);
  const error_list::mark here = list.here();
  add("dropped", 0);
  list.rewind(here);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(body().find("dropped"), std::string::npos);
  list.rewind({});
  EXPECT_TRUE(list.empty());
}

TEST_F(errors, echo_input_as_valid_json) {
  const location root{nullptr, step::of("body")};
  list.add(arena, root, "t", "m", json::value::of_text("a\xED\xA0\x80\xFF\"b"));
  list.add(arena, root, "t", "m", json::value::of_real(0.0 / 0.0));
  const std::string written = body();
  EXPECT_NE(written.find("\"input\":\"a\\ud800\xEF\xBF\xBD\\\"b\""), std::string::npos) << written;
  EXPECT_NE(written.find("\"input\":null"), std::string::npos);
}

TEST_F(errors, say_when_the_body_cannot_be_read) {
  list.set_bad_request();
  EXPECT_FALSE(list.empty());
  EXPECT_EQ(list.http_status(), error_list::status::bad_request);
  EXPECT_EQ(body(), R"({"detail":"There was an error parsing the body"})");
}

TEST_F(errors, without_memory_are_a_failure_of_their_own) {
  core::arena none(0);
  list.add(none, location{nullptr, step::of("body")}, "t", "m", json::value());
  EXPECT_TRUE(list.failed());
  EXPECT_FALSE(list.empty());
}

}  // namespace
}  // namespace fasterapi::schema
