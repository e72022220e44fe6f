#include "server/python_route.h"

#include <algorithm>
#include <string_view>

#include "core/byte_buffer.h"
#include "fasterapi/core/errc.h"
#include "json/writer.h"
#include "server/value_json.h"

namespace fasterapi::server {

namespace {

constexpr std::string_view body_name = "body";

bool contains(const std::vector<std::string>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// In the form in which the Python package refuses such a request.
response refusal_of(const std::vector<std::string>& missing) {
  core::byte_buffer out;
  out.append("{\"detail\":[");
  for (size_t i = 0; i < missing.size(); ++i) {
    if (i > 0) out.append(',');
    out.append("{\"type\":\"missing\",\"loc\":[\"query\",");
    json::write_string(out, missing[i]);
    out.append("],\"msg\":\"Field required\",\"input\":null}");
  }
  out.append("]}");
  return response::json(std::string(out.view()), 422);
}

}  // namespace

core::result<> python_route::accept(python::keyword_parameters takes, const std::vector<std::string>& path_names) {
  takes_ = std::move(takes);
  takes_body_ = contains(takes_.names, body_name) && !contains(path_names, body_name);
  for (const std::string& name : path_names) {
    if (this->takes(name)) continue;
    return core::error{
        core::errc::invalid_argument,
        handler_.module + "." + handler_.function + " has no parameter \"" + name + "\", which its route's path has",
        {}};
  }
  return core::nothing{};
}

bool python_route::takes(std::string_view name) const noexcept {
  return takes_.takes_any || contains(takes_.names, name);
}

bool python_route::read(const request& of, arguments& into, response& refusal) const {
  const auto place_of = [&into](std::string_view name) {
    return std::find_if(into.begin(), into.end(), [name](const auto& given) { return given.first == name; });
  };
  const auto of_path = of.path_values();
  for (const auto& [name, text] : of_path) into.emplace_back(name, text);
  if (takes_body_) into.emplace_back(body_name, python::value::bytes(std::string(of.body())));
  const size_t fixed = into.size();
  for (const auto& [name, text] : of.query_values()) {
    const auto place = place_of(name);
    if (place == into.end()) {
      if (takes(name)) into.emplace_back(name, text);
    } else if (static_cast<size_t>(place - into.begin()) >= fixed) {
      place->second = text;  // of a name that repeats, the last one
    }
  }
  std::vector<std::string> missing;
  for (const std::string& name : takes_.required) {
    if (place_of(name) == into.end()) missing.push_back(name);
  }
  if (missing.empty()) return true;
  refusal = refusal_of(missing);
  return false;
}

core::result<response> python_route::respond(core::result<python::value> returned) const {
  if (!returned.ok()) {
    if (returned.failure().code == core::errc::queue_full) {
      return response::json("{\"detail\":\"Service Unavailable\"}", 503).with("retry-after", "1");
    }
    core::error failure = returned.take_failure();
    failure.message = handler_.module + "." + handler_.function + ": " + failure.message;
    if (!failure.detail.empty()) failure.message += "\n" + failure.detail;
    return failure;
  }
  const python::value& made = returned.value();
  if (made.type() == python::value::kind::bytes) return response::bytes(made.text());
  if (made.type() == python::value::kind::string && handler_.kind != python_response::json) {
    return handler_.kind == python_response::text ? response::text(made.text()) : response::html(made.text());
  }
  core::byte_buffer out;
  if (auto written = write_json(made, out); !written.ok()) {
    return core::error{
        written.failure().code, handler_.module + "." + handler_.function + ": " + written.failure().message, {}};
  }
  if (out.failed()) return core::error{core::errc::queue_full, "the result is too large", {}};
  return response::json(std::string(out.view()));
}

}  // namespace fasterapi::server
