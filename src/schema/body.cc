#include "schema/body.h"

#include <algorithm>

#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr complaint missing{"missing", "Field required"};

using kind = enum body_content::kind;

std::string_view content_type_of(const http::request_head& head) noexcept {
  const http::header_field* field = head.find("content-type");
  return field == nullptr ? std::string_view() : head.view(field->value);
}

void fail_json(const json::read_problem& problem, checker& by) noexcept {
  const location root{nullptr, step::of("body")};
  const location where{&root, step::of(static_cast<int64_t>(problem.position))};
  message_text context(by.arena());
  context.add("{\"error\":\"").add(problem.message).add("\"}");
  by.fail(where, "json_invalid", "JSON decode error", json::value::of_members(nullptr, 0), context.view());
}

const json::value* find_member(const json::value& object, std::string_view key) noexcept {
  for (uint32_t i = 0; i < object.size; ++i) {
    if (object.members[i].key.view() == key) return &object.members[i].item;
  }
  return nullptr;
}

void check_embedded(const plan& of, const body_content& body, checker& by, value* values) noexcept {
  for (const parameter* each : of.by_origin(origin::body)) {
    const location root{nullptr, step::of("body")};
    const location where{&root, step::of(each->shown)};
    by.errors().current_rank = each->rank;
    const bool is_json = body.kind == kind::json;
    const bool is_object = is_json && body.value.kind == json::kind::object;
    const json::value* found = is_object ? find_member(body.value, each->alias) : nullptr;
    if (found != nullptr) {
      by.check(*each->type, *found, where, values[each->position]);
    } else if (each->required || (is_json && !is_object)) {
      by.fail(where, missing, json::value());
    }
  }
}

}  // namespace

bool is_json_media_type(std::string_view content_type) noexcept {
  const std::string_view essence = content_type.substr(0, std::min(content_type.find(';'), content_type.size()));
  const size_t slash = essence.find('/');
  if (slash == std::string_view::npos) return false;
  const auto trim = [](std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  };
  const std::string_view main = trim(essence.substr(0, slash));
  const std::string_view sub = trim(essence.substr(slash + 1));
  if (!http::equals_ignoring_case(main, "application") || sub.find('/') != std::string_view::npos) return false;
  return http::equals_ignoring_case(sub, "json") ||
         (sub.size() >= 5 && http::equals_ignoring_case(sub.substr(sub.size() - 5), "+json"));
}

body_content read_body(const request_view& request, json::reader& reader, checker& by) noexcept {
  if (!request.has_body || request.body.empty()) return {};
  if (!is_json_media_type(content_type_of(*request.head))) {
    return {kind::raw, json::value::of_text(request.body, json::kind::bytes)};
  }
  body_content read{kind::json, {}};
  switch (reader.read(request.body, by.arena(), read.value)) {
    case json::read_status::ok:
      return read;
    case json::read_status::invalid:
      fail_json(reader.problem(), by);
      break;
    case json::read_status::unreadable:
      by.errors().set_bad_request();
      break;
  }
  return {kind::broken, {}};
}

void check_body(const plan& of, const body_content& body, checker& by, value* values) noexcept {
  if (of.embeds_body()) return check_embedded(of, body, by, values);
  const parameter& only = *of.by_origin(origin::body).front();
  const location where{nullptr, step::of("body")};
  by.errors().current_rank = only.rank;
  if (body.kind != kind::none) {
    by.check(*only.type, body.value, where, values[only.position]);
  } else if (only.required) {
    by.fail(where, missing, json::value());
  }
}

}  // namespace fasterapi::schema
