#include <algorithm>
#include <string_view>

#include "json/writer.h"
#include "schema/checker.h"
#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint int_parsing_size{"int_parsing_size",
                                     "Unable to parse input string as an integer, exceeded maximum size"};

bool is_number(const json::value& of) noexcept {
  return of.kind == json::kind::boolean || of.kind == json::kind::integer || of.kind == json::kind::real;
}

// Exact in long double, whose significand holds every int64.
long double number_of(const json::value& of) noexcept {
  if (of.kind == json::kind::boolean) return of.boolean ? 1 : 0;
  return of.kind == json::kind::integer ? static_cast<long double>(of.integer) : static_cast<long double>(of.real);
}

bool same_kind_equal(const json::value& a, const json::value& b) noexcept {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case json::kind::null:
      return true;
    case json::kind::boolean:
      return a.boolean == b.boolean;
    case json::kind::integer:
      return a.integer == b.integer;
    case json::kind::real:
      return a.real == b.real;
    case json::kind::string:
    case json::kind::bytes:
      return a.view() == b.view();
    default:
      return false;
  }
}

// The choice of the input's own type first, then the last one that Python's == finds equal (1 == 1.0 == True).
const choice* find_choice(const type& expected, const json::value& input) noexcept {
  const choice* found = nullptr;
  for (const choice& each : expected.choices) {
    if (same_kind_equal(each.input, input)) return &each;
    if (is_number(input) && is_number(each.input) && number_of(each.input) == number_of(input)) found = &each;
  }
  return found;
}

// Whether `input` is an integer with more than 64 bits where one of 64 bits is looked for.
bool is_out_of_reach(const type& expected, const json::value& input) noexcept {
  if (input.kind != json::kind::big_integer) return false;
  return std::any_of(expected.choices.begin(), expected.choices.end(),
                     [](const choice& each) { return each.input.kind == json::kind::integer; });
}

void keep_choice(const choice& found, value& out) noexcept {
  out.kind = value_kind::object;
  out.object_index = found.object;
}

}  // namespace

bool checker::fail_choice(std::string_view error_type, const type& expected, const json::value& input,
                          const location& where) noexcept {
  constexpr size_t quoting = 64;
  message_text message(arena_, expected.expected.size() + quoting);
  message.add("Input should be ").add(expected.expected);
  core::byte_buffer context;
  context.append("{\"expected\":");
  json::write_string(context, expected.expected);
  context.append('}');
  return fail(where, error_type, message.view(), input, arena_.copy(context.view()));
}

// What an enum whose members are numbers or strings too makes of a value that is no member's own.
const choice* checker::find_lax_choice(const type& expected, const json::value& input,
                                       json::value& converted) noexcept {
  if (expected.mixed == json::kind::string) {
    return input.kind == json::kind::bytes ? find_choice(expected, json::value::of_text(input.view())) : nullptr;
  }
  static const type plain{};
  const location nowhere;
  error_list ignored;
  error_list* const kept = errors_;
  errors_ = &ignored;
  value read;
  bool is_valid = false;
  if (expected.mixed == json::kind::integer) {
    is_valid = check_integer(plain, input, nowhere, read);
    const bool is_big = read.kind == value_kind::big_integer;
    converted =
        is_big ? json::value::of_text(read.view(), json::kind::big_integer) : json::value::of_integer(read.integer);
  } else if (expected.mixed == json::kind::real) {
    is_valid = check_real(plain, input, nowhere, read);
    converted = json::value::of_real(read.real);
  }
  errors_ = kept;
  return is_valid ? find_choice(expected, converted) : nullptr;
}

bool checker::check_enumeration(const type& expected, const json::value& input, const location& where,
                                value& out) noexcept {
  if (expected.strict) return fail_instance(where, expected.class_name, input);
  lower(exactness::lax);
  const choice* found = find_choice(expected, input);
  json::value converted = input;
  if (found == nullptr) found = find_lax_choice(expected, input, converted);
  if (found == nullptr && is_out_of_reach(expected, converted)) return fail(where, int_parsing_size, converted);
  if (found == nullptr) return fail_choice("enum", expected, input, where);
  keep_choice(*found, out);
  return true;
}

bool checker::check_literal(const type& expected, const json::value& input, const location& where,
                            value& out) noexcept {
  const choice* found = find_choice(expected, input);
  if (found == nullptr && is_out_of_reach(expected, input)) return fail(where, int_parsing_size, input);
  if (found == nullptr) return fail_choice("literal_error", expected, input, where);
  keep_choice(*found, out);
  return true;
}

}  // namespace fasterapi::schema
