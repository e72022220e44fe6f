#include "schema/checker.h"

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

bool checker::fail_bound(const location& where, const bound& broken, const json::value& input) noexcept {
  constexpr std::string_view types[] = {"multiple_of", "less_than_equal", "less_than", "greater_than_equal",
                                        "greater_than"};
  return fail(where, types[static_cast<size_t>(broken.holds)], broken.text, input, broken.json);
}

bool checker::keep(const type& expected, const json::value& input, value& out) noexcept {
  auto* kept = arena_.make<json::value>();
  if (kept == nullptr) return false;
  *kept = input;
  out.kind = expected.kind == type_kind::any ? value_kind::json : value_kind::foreign;
  out.type_id = expected.id;
  out.source = kept;
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
    case type_kind::bytes:
      return check_bytes(expected, input, where, out);
    case type_kind::none:
      out.kind = value_kind::none;
      return input.kind == json::kind::null || fail(where, none_required, input);
    case type_kind::any:
    case type_kind::foreign:
      return keep(expected, input, out);
    default:
      return false;
  }
}

}  // namespace fasterapi::schema
