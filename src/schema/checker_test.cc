#include "schema/checker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "json/reader.h"
#include "schema/plan.h"

namespace fasterapi::schema {
namespace {

// Builds types, checks JSON texts against them and shows the outcome as text.
class checker_of_types : public testing::Test {
 protected:
  const type& make(type_kind kind) {
    type& made = plan_.add_type();
    made.kind = kind;
    return made;
  }
  const type& make_list(const type& item) {
    type& made = plan_.add_type();
    made.kind = type_kind::list;
    made.item = &item;
    return made;
  }
  type& make_union(std::vector<const type*> members) {
    type& made = plan_.add_type();
    made.kind = type_kind::union_;
    for (size_t i = 0; i < members.size(); ++i) made.labels.push_back("m" + std::to_string(i));
    made.members = std::move(members);
    return made;
  }
  type& make_record(std::vector<std::pair<std::string, const type*>> fields) {
    type& made = plan_.add_type();
    made.kind = type_kind::dataclass;
    made.class_name = "Thing";
    for (auto& [name, kind] : fields) made.fields.push_back({name, name, kind, true, false});
    return made;
  }

  bool check(const type& expected, std::string_view text) {
    errors.clear();
    json::value input;
    EXPECT_EQ(reader.read(text, arena, input), json::read_status::ok);
    checker by(arena, errors, text.size());
    return by.check(expected, input, location{nullptr, step::of("body")}, out);
  }

  // The types of the errors with their places, such as "int_type@body/0 ".
  std::string refusals() {
    std::string shown;
    for (const error* each = errors.first(); each != nullptr; each = each->next) {
      shown += std::string(each->type) + "@";
      for (uint32_t i = 0; i < each->step_count; ++i) {
        if (i != 0) shown += "/";
        shown += each->steps[i].is_index() ? std::to_string(each->steps[i].index) : std::string(each->steps[i].name);
      }
      shown += " ";
    }
    return shown;
  }

  core::arena arena;
  json::reader reader;
  error_list errors;
  plan plan_;
  value out;
};

TEST_F(checker_of_types, converts_leniently) {
  EXPECT_TRUE(check(make(type_kind::integer), R"(" 12 ")"));
  EXPECT_EQ(out.integer, 12);
  EXPECT_TRUE(check(make(type_kind::boolean), R"("yes")"));
  EXPECT_TRUE(out.boolean);
  EXPECT_TRUE(check(make(type_kind::real), "3"));
  EXPECT_EQ(out.real, 3.0);
}

TEST_F(checker_of_types, finds_every_error_with_its_place) {
  const type& numbers = make_list(make(type_kind::integer));
  EXPECT_FALSE(check(numbers, R"([1, "x", 2.5, null])"));
  EXPECT_EQ(refusals(), "int_parsing@body/1 int_from_float@body/2 int_type@body/3 ");
}

TEST_F(checker_of_types, checks_records_field_by_field) {
  const type& thing = make_record({{"a", &make(type_kind::integer)}, {"b", &make(type_kind::string)}});
  EXPECT_TRUE(check(thing, R"({"b": "x", "a": 1, "more": []})"));
  EXPECT_EQ(out.items[0].integer, 1);
  EXPECT_FALSE(check(thing, R"({"a": "x"})"));
  EXPECT_EQ(refusals(), "int_parsing@body/a missing@body/b ");
  EXPECT_FALSE(check(thing, "[]"));
  EXPECT_EQ(refusals(), "dataclass_type@body ");
}

TEST_F(checker_of_types, prefers_the_union_s_exact_member) {
  const type& either = make_union({&make(type_kind::integer), &make(type_kind::string)});
  EXPECT_TRUE(check(either, R"("1")"));
  EXPECT_EQ(out.kind, value_kind::string);
  EXPECT_TRUE(check(either, "1"));
  EXPECT_EQ(out.kind, value_kind::integer);
  EXPECT_FALSE(check(either, "null"));
  EXPECT_EQ(refusals(), "int_type@body/m0 string_type@body/m1 ");
}

TEST_F(checker_of_types, prefers_the_union_s_record_with_most_fields) {
  const type& number = make(type_kind::integer);
  type& small = make_record({{"a", &number}});
  type& large = make_record({{"a", &number}, {"b", &number}});
  large.fields[1].required = false;
  const type& either = make_union({&small, &large});
  EXPECT_TRUE(check(either, R"({"a": 1, "b": 2})"));
  EXPECT_EQ(out.type_id, large.id);
  EXPECT_TRUE(check(either, R"({"a": 1})"));
  EXPECT_EQ(out.type_id, small.id);
}

TEST_F(checker_of_types, gives_up_on_unions_that_never_end) {
  type& first = plan_.add_type();
  type& second = plan_.add_type();
  first.kind = type_kind::list;
  second.kind = type_kind::set;
  type& either = make_union({&first, &second});
  first.item = second.item = &either;
  std::string deep(60, '[');
  deep += '1';
  deep.append(60, ']');
  EXPECT_FALSE(check(either, deep));
  EXPECT_EQ(errors.http_status(), error_list::status::bad_request);
}

TEST_F(checker_of_types, stops_at_the_arena_s_bound) {
  core::arena tiny(64);
  json::value input;
  ASSERT_EQ(reader.read("[1,2,3,4,5,6,7,8,9]", arena, input), json::read_status::ok);
  checker by(tiny, errors, 0);
  EXPECT_FALSE(by.check(make_list(make(type_kind::integer)), input, location{nullptr, step::of("body")}, out));
  EXPECT_TRUE(errors.failed());
}

}  // namespace
}  // namespace fasterapi::schema
