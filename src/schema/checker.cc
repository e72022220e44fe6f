#include "schema/checker.h"

#include "core/byte_buffer.h"
#include "json/writer.h"
#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint none_required{"none_required", "Input should be None"};

}  // namespace

bool checker::fail(const location& where, const complaint& about, const json::value& input) noexcept {
  errors_->add(arena_, where, about.type, about.message, input);
  return false;
}

bool checker::fail(const location& where, std::string_view type, std::string_view message, const json::value& input,
                   std::string_view context) noexcept {
  if (error* entry = errors_->add(arena_, where, type, message, input)) entry->context = context;
  return false;
}

bool checker::fail_with_error(const location& where, const complaint& about, std::string_view wrong,
                              const json::value& input) noexcept {
  message_text message(arena_, about.message.size() + wrong.size());
  message.add(about.message).add(wrong);
  core::byte_buffer context;
  context.append("{\"error\":");
  json::write_string(context, wrong);
  context.append('}');
  return fail(where, about.type, message.view(), input, arena_.copy(context.view()));
}

bool checker::fail_instance(const location& where, std::string_view class_name, const json::value& input) noexcept {
  message_text message(arena_);
  message.add("Input should be an instance of ").add(class_name);
  message_text context(arena_);
  context.add("{\"class\":\"").add(class_name).add("\"}");
  return fail(where, "is_instance_of", message.view(), input, context.view());
}

bool checker::fail_bound(const location& where, const bound& broken, const json::value& input) noexcept {
  constexpr std::string_view types[] = {"multiple_of", "less_than_equal", "less_than", "greater_than_equal",
                                        "greater_than"};
  return fail(where, types[static_cast<size_t>(broken.holds)], broken.text, input, broken.json);
}

bool checker::keep(const json::value& input, value& out) noexcept {
  auto* kept = arena_.make<json::value>();
  if (kept == nullptr) return fail_out_of_memory();
  *kept = input;
  lower(exactness::strict);  // a union prefers Any to a conversion
  out.kind = value_kind::json;
  out.source = kept;
  return true;
}

bool checker::keep_foreign(const type& expected, const json::value& input, value& out) noexcept {
  auto* kept = arena_.make<foreign_input>();
  if (kept == nullptr) return fail_out_of_memory();
  kept->input = input;
  out.kind = value_kind::foreign;
  out.type_id = expected.id;
  out.pending = kept;
  return true;
}

bool checker::check(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  switch (expected.kind) {
    case type_kind::string:
      return check_string(expected, input, where, out);
    case type_kind::integer:
      return check_integer(expected, input, where, out);
    case type_kind::nullable:
      if (input.kind != json::kind::null) return check(*expected.item, input, where, out);
      out.kind = value_kind::none;
      return true;
    case type_kind::real:
      return check_real(expected, input, where, out);
    case type_kind::boolean:
      return check_boolean(expected, input, where, out);
    case type_kind::dataclass:
      return check_dataclass(expected, input, where, out);
    case type_kind::list:
      return check_list(expected, input, where, out);
    default:
      return check_rarer(expected, input, where, out);
  }
}

bool checker::check_rarer(const type& expected, const json::value& input, const location& where, value& out) noexcept {
  switch (expected.kind) {
    case type_kind::bytes:
      return check_bytes(expected, input, where, out);
    case type_kind::decimal:
      return check_decimal(expected, input, where, out);
    case type_kind::uuid:
      return check_uuid(expected, input, where, out);
    case type_kind::date:
      return check_date(expected, input, where, out);
    case type_kind::time:
      return check_time(expected, input, where, out);
    case type_kind::datetime:
      return check_datetime(expected, input, where, out);
    case type_kind::timedelta:
      return check_timedelta(expected, input, where, out);
    case type_kind::enumeration:
      return check_enumeration(expected, input, where, out);
    case type_kind::literal:
      return check_literal(expected, input, where, out);
    case type_kind::union_:
      return check_union(expected, input, where, out);
    case type_kind::set:
    case type_kind::frozenset:
      return check_set(expected, input, where, out);
    case type_kind::tuple:
      return check_tuple(expected, input, where, out);
    case type_kind::variadic_tuple:
      return check_variadic_tuple(expected, input, where, out);
    case type_kind::dict:
      return check_dict(expected, input, where, out);
    case type_kind::typed_dict:
      return check_typed_dict(expected, input, where, out);
    case type_kind::none:
      out.kind = value_kind::none;
      return input.kind == json::kind::null || fail(where, none_required, input);
    case type_kind::foreign:
      return keep_foreign(expected, input, out);
    case type_kind::any:
    default:
      return keep(input, out);
  }
}

}  // namespace fasterapi::schema
