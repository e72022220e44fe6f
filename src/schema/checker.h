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

  checker(core::arena& arena, error_list& errors) noexcept : arena_(arena), errors_(&errors) {}

  bool check(const type& expected, const json::value& input, const location& where, value& out) noexcept;

  core::arena& arena() noexcept { return arena_; }
  error_list& errors() noexcept { return *errors_; }

  // Records an error and returns false.
  bool fail(const location& where, const complaint& about, const json::value& input) noexcept;
  bool fail(const location& where, std::string_view type, std::string_view message, const json::value& input,
            std::string_view context) noexcept;

 private:
  bool keep(const type& expected, const json::value& input, value& out) noexcept;
  bool check_boolean(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_integer(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool integer_from_text(const json::value& input, std::string_view text, const location& where, value& out) noexcept;
  bool integer_from_real(const json::value& input, const location& where, value& out) noexcept;
  bool check_real(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_string(const type& expected, const json::value& input, const location& where, value& out) noexcept;
  bool check_bytes(const type& expected, const json::value& input, const location& where, value& out) noexcept;

  bool fail_bound(const location& where, const bound& broken, const json::value& input) noexcept;
  void lower(exactness to) noexcept {
    if (to < exactness_) exactness_ = to;
  }

  core::arena& arena_;
  error_list* errors_;
  exactness exactness_ = exactness::exact;
};

}  // namespace fasterapi::schema
