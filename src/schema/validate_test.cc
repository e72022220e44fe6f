#include "schema/validate.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "schema/body.h"

namespace fasterapi::schema {
namespace {

class validation : public testing::Test {
 protected:
  void SetUp() override {
    text_ = &add_type(type_kind::string);
    number_ = &add_type(type_kind::integer);
    type& texts = plan_.add_type();
    texts.kind = type_kind::list;
    texts.item = text_;
    texts_ = &texts;
  }

  const type& add_type(type_kind kind) {
    type& made = plan_.add_type();
    made.kind = kind;
    return made;
  }

  parameter& add(origin from, std::string name, const type* kind) {
    parameter& made = plan_.add_parameter();
    made.alias = made.shown = std::move(name);
    made.from = from;
    made.type = kind;
    made.collects = made.is_sequence = kind == texts_;
    return made;
  }

  bool run(std::string query, std::vector<std::pair<std::string, std::string>> fields = {}, std::string body = "") {
    plan_.finish();
    bytes_ = std::move(query);
    head_ = http::request_head();
    head_.query = {0, static_cast<uint32_t>(bytes_.size())};
    for (auto& [name, text] : fields) {
      http::header_field& field = head_.fields[head_.field_count++];
      field.name = keep(name);
      field.value = keep(text);
      if (name == "Cookie") field.id = http::field_id::cookie;
    }
    head_.base = bytes_.data();
    body_ = std::move(body);
    arena.reset();
    errors.clear();
    values.assign(plan_.parameter_count(), value());
    const std::string_view path_values[] = {"7"};
    return validate(plan_, {path_values, &head_, body_, true}, reader, arena, values.data(), errors);
  }

  std::string error_body() {
    core::byte_buffer out;
    write_errors(errors, out);
    return std::string(out.view());
  }

  core::arena arena;
  error_list errors;
  json::reader reader;
  std::vector<value> values;
  const type* text_ = nullptr;
  const type* number_ = nullptr;
  const type* texts_ = nullptr;

 private:
  http::slice keep(std::string_view text) {
    const auto offset = static_cast<uint32_t>(bytes_.size());
    bytes_ += text;
    return {offset, static_cast<uint32_t>(text.size())};
  }

  plan plan_;
  http::request_head head_;
  std::string bytes_;
  std::string body_;
};

TEST_F(validation, reads_each_part_of_the_head) {
  add(origin::path, "id", number_);
  add(origin::query, "q", text_);
  add(origin::header, "x-token", text_);
  add(origin::cookie, "session", text_);
  ASSERT_TRUE(run("q=a%20b&q=last", {{"X-Token", "first"}, {"x-token", "second"}, {"Cookie", "a=b; session=s"}}));
  EXPECT_EQ(values[0].integer, 7);
  EXPECT_EQ(values[1].view(), "last");
  EXPECT_EQ(values[2].view(), "first");
  EXPECT_EQ(values[3].view(), "s");
}

TEST_F(validation, collects_lists_and_takes_empty_ones_for_none) {
  add(origin::query, "q", texts_).required = false;
  ASSERT_TRUE(run("q=1&r=2&q=3"));
  EXPECT_EQ(values[0].size, 2u);
  EXPECT_EQ(values[0].items[1].view(), "3");
  ASSERT_TRUE(run("r=1"));
  EXPECT_EQ(values[0].kind, value_kind::absent);
}

TEST_F(validation, reads_header_bytes_as_latin_1) {
  add(origin::header, "x", text_);
  ASSERT_TRUE(run("", {{"x", "caf\xE9"}}));
  EXPECT_EQ(values[0].view(), "caf\xC3\xA9");
}

TEST_F(validation, names_the_parameter_that_is_missing) {
  add(origin::query, "q", text_);
  EXPECT_FALSE(run(""));
  EXPECT_EQ(error_body(), R"({"detail":[{"type":"missing","loc":["query","q"],"msg":"Field required","input":null}]})");
}

TEST_F(validation, lets_a_broken_body_speak_alone) {
  add(origin::query, "q", number_);
  add(origin::body, "b", number_);
  EXPECT_FALSE(run("q=x", {{"Content-Type", "application/json"}}, "[1,]"));
  EXPECT_EQ(error_body(), R"({"detail":[{"type":"json_invalid","loc":["body",2],"msg":"JSON decode error","input":{},)"
                          R"("ctx":{"error":"Illegal trailing comma before end of array"}}]})");
}

TEST_F(validation, takes_a_body_for_json_only_by_its_type) {
  add(origin::body, "b", text_);
  ASSERT_TRUE(run("", {}, "\"quoted\""));
  EXPECT_EQ(values[0].view(), "\"quoted\"");
  ASSERT_TRUE(run("", {{"Content-Type", "application/json"}}, "\"quoted\""));
  EXPECT_EQ(values[0].view(), "quoted");
}

TEST(json_media_type, is_application_json_and_its_kin) {
  for (const std::string_view type : {"application/json", "Application/JSON ; charset=utf-8", "application/a+json"}) {
    EXPECT_TRUE(is_json_media_type(type)) << type;
  }
  for (const std::string_view type :
       {"", "json", "text/json", "application/jsonx", "application/x/json", "application"}) {
    EXPECT_FALSE(is_json_media_type(type)) << type;
  }
}

}  // namespace
}  // namespace fasterapi::schema
