#include <string_view>

#include "schema/checker.h"
#include "schema/distinct.h"
#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint list_type{"list_type", "Input should be a valid list"};
constexpr complaint set_type{"set_type", "Input should be a valid set"};
constexpr complaint frozenset_type{"frozen_set_type", "Input should be a valid frozenset"};
constexpr complaint tuple_type{"tuple_type", "Input should be a valid tuple"};
constexpr complaint dict_type{"dict_type", "Input should be a valid dictionary"};
constexpr complaint missing{"missing", "Field required"};
constexpr complaint not_hashable{"set_item_not_hashable", "Set items should be hashable"};

constexpr uint64_t unknown_length = type::unlimited;

void add_count(message_text& to, uint64_t count, std::string_view unknown) noexcept {
  if (count == unknown_length) {
    to.add(unknown);
  } else {
    to.add(count);
  }
}

bool fail_length(checker& by, const location& where, std::string_view subject, bool is_short, uint64_t limit,
                 uint64_t actual, const json::value& input) noexcept {
  message_text message(by.arena());
  message.add(subject).add(is_short ? " should have at least " : " should have at most ").add(limit);
  message.add(limit == 1 ? " item after validation, not " : " items after validation, not ");
  add_count(message, actual, "more");
  message_text context(by.arena());
  context.add("{\"field_type\":\"").add(subject).add(is_short ? "\",\"min_length\":" : "\",\"max_length\":").add(limit);
  context.add(",\"actual_length\":");
  add_count(context, actual, "null");
  context.add("}");
  return by.fail(where, is_short ? "too_short" : "too_long", message.view(), input, context.view());
}

}  // namespace

bool checker::fail_out_of_memory() noexcept {
  errors_->set_failed();
  return false;
}

bool checker::check_list(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  if (input.kind != json::kind::array) return fail(where, list_type, input);
  if (input.size > expected.max_length) {
    return fail_length(*this, where, "List", false, expected.max_length, input.size, input);
  }
  out.kind = value_kind::list;
  out.size = input.size;
  out.items = arena_.make_array<value>(input.size);
  if (out.items == nullptr) return fail_out_of_memory();
  bool is_valid = true;
  for (uint32_t i = 0; i < input.size; ++i) {
    const location here{&where, step::of(int64_t{i})};
    is_valid &= check(*expected.item, input.items[i], here, out.items[i]);
  }
  if (!is_valid || input.size >= expected.min_length) return is_valid;
  return fail_length(*this, where, "List", true, expected.min_length, input.size, input);
}

bool checker::check_set(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  const bool is_set = expected.kind == type_kind::set;
  if (input.kind != json::kind::array || expected.strict) return fail(where, is_set ? set_type : frozenset_type, input);
  lower(exactness::lax);
  out.kind = is_set ? value_kind::set : value_kind::frozenset;
  out.items = arena_.make_array<value>(input.size);
  if (out.items == nullptr) return fail_out_of_memory();
  const bool is_limited = expected.min_length != 0 || expected.max_length != type::unlimited;
  limited_sets_ += is_limited ? 1 : 0;
  const error_list::mark before = errors_->here();
  uint32_t valid = 0;
  for (uint32_t i = 0; i < input.size; ++i) {
    const location here{&where, step::of(int64_t{i})};
    value item;
    if (!check(*expected.item, input.items[i], here, item)) continue;
    if (!is_hashable(item)) {
      fail(here, not_hashable, input.items[i]);
    } else {
      out.items[valid++] = item;
    }
  }
  out.size = valid;
  limited_sets_ -= is_limited ? 1 : 0;
  if (!is_set && limited_sets_ != 0) out.size = sort_distinct(out.items, valid, arena_);
  if (!is_limited) return valid == input.size;

  const std::string_view subject = is_set ? "Set" : "Frozenset";
  const uint32_t distinct = count_distinct(out.items, out.size, 1, arena_);
  if (distinct > expected.max_length) {
    errors_->rewind(before);
    return fail_length(*this, where, subject, false, expected.max_length, unknown_length, input);
  }
  if (valid != input.size || distinct >= expected.min_length) return valid == input.size;
  return fail_length(*this, where, subject, true, expected.min_length, distinct, input);
}

bool checker::check_tuple(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  if (input.kind != json::kind::array || expected.strict) return fail(where, tuple_type, input);
  lower(exactness::lax);
  const auto size = static_cast<uint32_t>(expected.members.size());
  const uint64_t length_max = size < expected.max_length ? size : expected.max_length;
  if (input.size > length_max) return fail_length(*this, where, "Tuple", false, length_max, input.size, input);
  out.kind = value_kind::tuple;
  out.size = size;
  out.items = arena_.make_array<value>(size);
  if (out.items == nullptr) return fail_out_of_memory();
  bool is_valid = true;
  for (uint32_t i = 0; i < size; ++i) {
    const location here{&where, step::of(int64_t{i})};
    is_valid &=
        i < input.size ? check(*expected.members[i], input.items[i], here, out.items[i]) : fail(here, missing, input);
  }
  if (input.size >= expected.min_length) return is_valid;
  return fail_length(*this, where, "Tuple", true, expected.min_length, input.size, input);
}

bool checker::check_variadic_tuple(const type& expected, const json::value& input, const location& where,
                                   value& out) noexcept {
  if (input.kind != json::kind::array || expected.strict) return fail(where, tuple_type, input);
  lower(exactness::lax);
  out.kind = value_kind::tuple;
  out.items = arena_.make_array<value>(input.size);
  if (out.items == nullptr) return fail_out_of_memory();
  const error_list::mark before = errors_->here();
  uint32_t valid = 0;
  for (uint32_t i = 0; i < input.size; ++i) {
    const location here{&where, step::of(int64_t{i})};
    if (check(*expected.item, input.items[i], here, out.items[valid])) ++valid;
  }
  out.size = valid;
  if (valid > expected.max_length) {
    errors_->rewind(before);
    return fail_length(*this, where, "Tuple", false, expected.max_length, input.size, input);
  }
  if (valid < expected.min_length) {
    return fail_length(*this, where, "Tuple", true, expected.min_length, valid, input);
  }
  return valid == input.size;
}

bool checker::check_member(const type& expected, const json::member& input, const location& where,
                           value* pair) noexcept {
  const location here{&where, step::of(input.key.view())};
  const location key{&here, step::of("[key]")};
  const bool key_is_valid = check(*expected.key, input.key, key, pair[0]);
  return check(*expected.item, input.item, here, pair[1]) && key_is_valid;
}

bool checker::check_dict(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  if (input.kind != json::kind::object) return fail(where, dict_type, input);
  out.kind = value_kind::dict;
  out.size = input.size;
  out.items = arena_.make_array<value>(size_t{2} * input.size);
  if (out.items == nullptr) return fail_out_of_memory();
  bool is_valid = true;
  for (uint32_t i = 0; i < input.size; ++i) {
    is_valid &= check_member(expected, input.members[i], where, out.items + size_t{2} * i);
  }
  if (!is_valid || (expected.min_length == 0 && expected.max_length == type::unlimited)) return is_valid;
  const uint32_t distinct = count_distinct(out.items, out.size, 2, arena_);
  if (distinct < expected.min_length) {
    return fail_length(*this, where, "Dictionary", true, expected.min_length, distinct, input);
  }
  if (distinct <= expected.max_length) return true;
  return fail_length(*this, where, "Dictionary", false, expected.max_length, distinct, input);
}

}  // namespace fasterapi::schema
