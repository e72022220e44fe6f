#pragma once

#include <span>

#include "core/arena.h"
#include "http/message.h"
#include "json/value.h"
#include "schema/plan.h"

namespace fasterapi::schema {

// What a request's head holds for one parameter.
struct wire_value {
  bool sent = false;
  json::value input;  // a string, or an array of strings for a parameter that collects
};

// Finds the values of `wanted`, which all come from `from` (query, header or cookie), in one pass over that part of the
// head; element i belongs to wanted[i]. As in Starlette, the last of repeated query and cookie values counts, the first
// of repeated headers. Null when memory ran out.
wire_value* collect(origin from, std::span<const parameter* const> wanted, const http::request_head& head,
                    core::arena& arena) noexcept;

}  // namespace fasterapi::schema
