#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "json/value.h"
#include "schema/errors.h"
#include "schema/type.h"
#include "schema/value.h"

namespace fasterapi::schema {

// What an error entry says when it needs no "ctx".
struct complaint {
  std::string_view type;
  std::string_view message;
};

// Checks JSON values against types and converts them, with pydantic's lax-mode rules for Python input.
//
// Owner: the thread that checks; lives for one request. Results are views into the input and the arena. A check that
// fails records every error it finds in errors() and goes on with its siblings.
class checker {
 public:
  // How closely the best conversion so far matched its type; unions prefer the closest member.
  enum class exactness : uint8_t { lax, strict, exact };

  // `input_bytes` is how much will be checked: the body's size.
  checker(core::arena& arena, error_list& errors, size_t input_bytes) noexcept
      : arena_(arena),
        errors_(&errors),
        union_tries_left_(union_tries_least + union_tries_per_byte * uint64_t{input_bytes}) {}

  bool check(const type& expected, const json::value& input, const location& where, value& out) noexcept;

  core::arena& arena() noexcept { return arena_; }
  error_list& errors() noexcept { return *errors_; }

  // Records an error and returns false.
  bool fail(const location& where, const complaint& about, const json::value& input) noexcept;
  bool fail(const location& where, std::string_view type, std::string_view message, const json::value& input,
            std::string_view context) noexcept;

  // An error whose message and "ctx" end with what is wrong.
  bool fail_with_error(const location& where, const complaint& about, std::string_view wrong,
                       const json::value& input) noexcept;

 private:
  bool check_rarer(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool keep(const json::value& input, value& out) noexcept;
  bool keep_foreign(const type& expected, const json::value& input, value& out) noexcept;
  bool check_boolean(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_integer(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool integer_from_text(const json::value& input, std::string_view text, const location& where, value& out) noexcept;
  bool integer_from_real(const json::value& input, const location& where, value& out) noexcept;
  bool check_real(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_string(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_bytes(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_decimal(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_uuid(const type& expected, const json::value& input, const location& where, value& out) noexcept;

  bool check_date(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_time(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_datetime(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_timedelta(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_moment_bounds(const type& expected, const json::value& input, const location& where,
                           const value& checked) noexcept;

  bool check_enumeration(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_literal(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool fail_choice(std::string_view error_type, const type& expected, const json::value& input,
                   const location& where) noexcept;
  const choice* find_lax_choice(const type& expected, const json::value& input, json::value& converted) noexcept;

  bool check_list(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_set(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_tuple(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_variadic_tuple(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_dict(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_member(const type& expected, const json::member& input, const location& where, value* pair) noexcept;

  bool check_dataclass(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_typed_dict(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_fields(const type& expected, const json::value& input, const location& where, value& out) noexcept;

  bool check_union(const type& expected, const json::value& input, const location& where, value& out) noexcept;

  bool fail_bound(const location& where, const bound& broken, const json::value& input) noexcept;
  bool fail_instance(const location& where, std::string_view class_name, const json::value& input) noexcept;
  bool fail_out_of_memory() noexcept;
  void lower(exactness to) noexcept {
    if (to < exactness_) exactness_ = to;
  }

  static constexpr int32_t no_fields = -1;
  // Unions inside of unions may have to be tried over and over: a request that takes more tries than this is refused.
  static constexpr uint64_t union_tries_least = 10'000;
  static constexpr uint64_t union_tries_per_byte = 8;

  core::arena& arena_;
  error_list* errors_;
  exactness exactness_ = exactness::exact;
  uint64_t union_tries_left_;
  uint32_t limited_sets_ = 0;       // sets around the value being checked whose items must be told apart
  int32_t fields_set_ = no_fields;  // fields of records that were sent, while a union's member is tried
};

}  // namespace fasterapi::schema
