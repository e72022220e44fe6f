#include <cstring>
#include <string_view>

#include "schema/checker.h"
#include "schema/distinct.h"
#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint dict_type{"dict_type", "Input should be a valid dictionary"};
constexpr complaint missing{"missing", "Field required"};

// Clients send keys in a steady order: the search starts where the last one ended.
class member_finder {
 public:
  explicit member_finder(const json::value& object) noexcept : object_(object) {}

  const json::value* find(std::string_view key) noexcept {
    for (uint32_t tried = 0; tried < object_.size; ++tried) {
      if (next_ >= object_.size) next_ = 0;
      const json::member& each = object_.members[next_++];
      if (each.key.size == key.size() && std::memcmp(each.key.text, key.data(), key.size()) == 0) return &each.item;
    }
    return nullptr;
  }

 private:
  const json::value& object_;
  uint32_t next_ = 0;
};

bool fail_class(checker& by, const location& where, const type& expected, const json::value& input, bool exact) {
  message_text message(by.arena());
  message.add(exact ? "Input should be an instance of " : "Input should be a dictionary or an instance of ");
  message.add(expected.class_name);
  message_text context(by.arena());
  context.add("{\"class_name\":\"").add(expected.class_name).add("\"}");
  return by.fail(where, exact ? "dataclass_exact_type" : "dataclass_type", message.view(), input, context.view());
}

}  // namespace

bool checker::check_fields(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  const auto count = static_cast<uint32_t>(expected.fields.size());
  out.kind = value_kind::record;
  out.type_id = expected.id;
  out.size = count;
  out.items = arena_.make_array<value>(count);
  if (out.items == nullptr) return fail_out_of_memory();
  bool is_valid = true;
  bool is_unhashable = expected.is_unhashable;
  int32_t sent = 0;
  member_finder members(input);
  for (uint32_t i = 0; i < count; ++i) {
    const field& each = expected.fields[i];
    const location here{&where, step::of(each.key)};
    if (const json::value* found = members.find(each.key)) {
      const bool is_good = check(*each.type, *found, here, out.items[i]);
      sent += is_good ? 1 : 0;
      is_valid &= is_good;
      is_unhashable = is_unhashable || !is_hashable(out.items[i]);
    } else if (each.required) {
      is_valid = fail(here, missing, input);
    } else {
      is_unhashable = is_unhashable || each.has_unhashable_default;
    }
  }
  out.is_unhashable = is_unhashable;
  fields_set_ = (fields_set_ == no_fields ? 0 : fields_set_) + sent;
  return is_valid;
}

bool checker::check_dataclass(const type& expected, const json::value& input, const location& where,
                              value& out) noexcept {
  if (expected.strict) return fail_class(*this, where, expected, input, true);
  if (input.kind != json::kind::object) return fail_class(*this, where, expected, input, false);
  const bool is_valid = check_fields(expected, input, where, out);
  lower(exactness::strict);
  return is_valid;
}

bool checker::check_typed_dict(const type& expected, const json::value& input, const location& where,
                               value& out) noexcept {
  if (input.kind != json::kind::object) return fail(where, dict_type, input);
  return check_fields(expected, input, where, out);
}

}  // namespace fasterapi::schema
