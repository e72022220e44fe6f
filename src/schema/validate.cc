#include "schema/validate.h"

#include <algorithm>

#include "schema/body.h"
#include "schema/checker.h"
#include "schema/wire.h"

namespace fasterapi::schema {

namespace {

constexpr complaint missing{"missing", "Field required"};
constexpr std::string_view origin_names[] = {"path", "query", "header", "cookie", "body"};

// Checks what was found on the wire for `of`; `found` is null when nothing was sent.
void settle(const parameter& of, const json::value* found, checker& by, value& out) noexcept {
  const location root{nullptr, step::of(origin_names[static_cast<size_t>(of.from)])};
  const location where{&root, step::of(of.shown)};
  by.errors().current_rank = of.rank;
  if (found != nullptr) {
    by.check(*of.type, *found, where, out);
  } else if (of.required) {
    by.fail(where, missing, json::value());
  }
}

// Leaves the errors to the Python code that checks the rest of the request, so that all are answered together. False
// when there is nothing left for it to check.
bool hand_over(const plan& of, const error_list& errors, core::arena& arena, value* values) noexcept {
  if (!of.needs_python() || errors.http_status() != error_list::status::unprocessable || errors.failed()) return false;
  for (size_t i = 0; i < of.parameter_count(); ++i) {
    if (values[i].kind != value_kind::foreign) continue;
    auto* kept = arena.make<error_list>();
    if (kept == nullptr) return false;
    *kept = errors;
    values[i].pending->refused = kept;
    return true;
  }
  return false;
}

}  // namespace

bool validate(const plan& of, const request_view& request, json::reader& reader, core::arena& arena, value* values,
              error_list& errors) noexcept {
  checker by(arena, errors, request.body.size());
  std::fill_n(values, of.parameter_count(), value());
  body_content body;
  if (of.needs_body()) {
    body = read_body(request, reader, by);
    if (body.kind == body_content::kind::broken) return false;
  }
  for (const parameter* each : of.by_origin(origin::path)) {
    const json::value text = json::value::of_text(request.path_values[each->path_index]);
    settle(*each, &text, by, values[each->position]);
  }
  for (const origin from : {origin::query, origin::header, origin::cookie}) {
    const auto& wanted = of.by_origin(from);
    if (wanted.empty()) continue;
    wire_value* found = collect(from, wanted, *request.head, arena);
    if (found == nullptr) break;
    for (size_t i = 0; i < wanted.size(); ++i) {
      settle(*wanted[i], found[i].sent ? &found[i].input : nullptr, by, values[wanted[i]->position]);
    }
  }
  if (of.needs_body()) check_body(of, body, by, values);
  if (arena.failed()) errors.set_failed();
  return errors.empty() || hand_over(of, errors, arena, values);
}

}  // namespace fasterapi::schema
