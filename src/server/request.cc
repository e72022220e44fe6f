#include "fasterapi/server/request.h"

#include <algorithm>

#include "http/url.h"
#include "server/call.h"
#include "server/connection.h"
#include "server/exchange.h"

namespace fasterapi::server {

std::string_view request::method() const noexcept { return call_->head.view(call_->head.method_token); }
std::string_view request::path() const noexcept { return call_->path; }
std::string_view request::raw_path() const noexcept { return call_->head.view(call_->head.path); }
std::string_view request::query() const noexcept { return call_->head.view(call_->head.query); }
std::string_view request::body() const noexcept { return call_->body; }

std::string_view request::path_value(std::string_view name) const noexcept {
  const auto values = call_->path_values();
  for (size_t i = 0; i < values.size(); ++i) {
    if ((*names_)[i] == name) return values[i];
  }
  return {};
}

std::vector<request::name_value> request::path_values() const {
  std::vector<name_value> all;
  const auto values = call_->path_values();
  all.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) all.emplace_back((*names_)[i], values[i]);
  return all;
}

std::optional<std::string_view> request::query_value(std::string_view name) const noexcept {
  http::query_reader reader(query(), call_->memory);
  for (http::name_value pair; reader.next(pair);) {
    if (pair.name == name) return pair.value;
  }
  return std::nullopt;
}

std::vector<request::name_value> request::query_values() const {
  std::vector<name_value> all;
  http::query_reader reader(query(), call_->memory);
  for (http::name_value pair; reader.next(pair);) all.emplace_back(pair.name, pair.value);
  return all;
}

std::optional<std::string_view> request::header(std::string_view name) const noexcept {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
  };
  const http::request_head& head = call_->head;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const std::string_view found = head.view(head.fields[i].name);
    if (std::equal(found.begin(), found.end(), name.begin(), name.end(),
                   [lower](char left, char right) { return lower(left) == lower(right); })) {
      return head.view(head.fields[i].value);
    }
  }
  return std::nullopt;
}

std::vector<request::name_value> request::headers() const {
  const http::request_head& head = call_->head;
  std::vector<name_value> all;
  all.reserve(head.field_count);
  for (uint32_t i = 0; i < head.field_count; ++i) {
    all.emplace_back(head.view(head.fields[i].name), head.view(head.fields[i].value));
  }
  return all;
}

core::cancel_token request::cancellation() const {
  return exchange_ == nullptr ? core::cancel_token() : exchange_->token();
}

std::string request::client() const {
  return call_->origin == nullptr ? std::string() : call_->origin->peer.to_string();
}

}  // namespace fasterapi::server
