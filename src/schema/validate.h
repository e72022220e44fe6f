#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/arena.h"
#include "http/message.h"
#include "json/reader.h"
#include "schema/errors.h"
#include "schema/plan.h"
#include "schema/value.h"

namespace fasterapi::schema {

// The parts of a request that a plan reads. All views must live as long as the values made from them are used.
struct request_view {
  std::span<const std::string_view> path_values;  // percent-decoded, in the order of the route's parameter names
  const http::request_head* head = nullptr;
  std::string_view body;
  bool has_body = false;
};

// Reads, converts and checks every parameter of `of`. `values` has room for parameter_count() values; the value of a
// parameter that was not sent is `absent`. False: `errors` holds everything that is wrong, in FastAPI's order (path,
// query, header, cookie, body). Values are views into the request, the reader's buffers and the arena: the reader must
// not read again before they are used.
//
// Where a plan needs Python code to check a part of the request, true only says that this code has the last word: its
// foreign_input holds the errors found so far.
bool validate(const plan& of, const request_view& request, json::reader& reader, core::arena& arena, value* values,
              error_list& errors) noexcept;

}  // namespace fasterapi::schema
