#include "server/call.h"

#include <cstring>
#include <utility>

#include "http/trace_context.h"

#include "schema/errors.h"
#include "schema/validate.h"

namespace fasterapi::server {

void call::reset() noexcept {
  origin = nullptr;
  at = stage::head;
  sent_continue = routed = handed_out = pooled = counted = outlasts = false;
  parser.reset();
  path = {};
  body = {};
  values = nullptr;
  refused = {};
  close_after = timed_out = false;
  runner = nullptr;
  answer_by_ms = 0;
  body_bytes.shrink(kept_capacity);
  held.shrink(kept_capacity);
  memory.reset();
  began = {};
  handler = view = nullptr;
}

std::string_view call::trace_parent() const noexcept {
  if (at == stage::head) return {};
  const std::string_view given = http::only_field(head, "traceparent");
  return http::parse_trace_parent(given) ? given : std::string_view{};
}

void call::rebase(const char* to) noexcept {
  const char* from = std::exchange(head.base, to);
  if (from == to) return;
  // A path that needed no decoding is a view into the head; otherwise it lies in the arena, which stays.
  const auto move = [from, to, size = head.size](std::string_view& text) {
    if (text.data() >= from && text.data() <= from + size) text = {to + (text.data() - from), text.size()};
  };
  move(path);
  for (std::string_view& value : std::span(matched.values.data(), matched.parameter_count)) move(value);
}

bool call::read_values(const schema::plan& plan, json::reader& reader, schema::error_list& errors) noexcept {
  values = memory.make_array<schema::value>(plan.parameter_count());
  schema::request_view view;
  view.path_values = path_values();
  view.head = &head;
  view.body = body;
  view.has_body = head.chunked || head.has_content_length;
  errors.clear();
  return values != nullptr && schema::validate(plan, view, reader, memory, values, errors);
}

bool call::retain() noexcept {
  if (!held.empty()) return true;
  const bool body_elsewhere = !body.empty() && body.data() != body_bytes.data();
  const size_t body_size = body_elsewhere ? body.size() : 0;
  char* to = held.extend(head.size + body_size);
  if (to == nullptr) return false;
  values = nullptr;
  std::memcpy(to, head.base, head.size);
  if (body_elsewhere) {
    std::memcpy(to + head.size, body.data(), body_size);
    body = {to + head.size, body_size};
  }
  rebase(to);
  return true;
}

}  // namespace fasterapi::server
