#include "http/message.h"

#include "http/characters.h"

namespace fasterapi::http {
namespace {

constexpr std::array<std::string_view, method_count> method_tokens = {"GET",    "HEAD",    "POST",  "PUT",    "PATCH",
                                                                      "DELETE", "OPTIONS", "TRACE", "CONNECT"};

}  // namespace

std::string_view to_string(method value) noexcept {
  const auto index = static_cast<size_t>(value);
  return index < method_count ? method_tokens[index] : std::string_view{};
}

method method_from(std::string_view token) noexcept {
  for (size_t i = 0; i < method_count; ++i) {
    if (token == method_tokens[i]) return static_cast<method>(i);
  }
  return method::other;
}

bool equals_ignoring_case(std::string_view name, std::string_view lower) noexcept {
  if (name.size() != lower.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (to_lower(name[i]) != lower[i]) return false;
  }
  return true;
}

const header_field* request_head::find(std::string_view lower_name) const noexcept {
  for (uint32_t i = 0; i < field_count; ++i) {
    if (equals_ignoring_case(view(fields[i].name), lower_name)) return &fields[i];
  }
  return nullptr;
}

std::string_view only_field(const request_head& head, std::string_view lower_name) noexcept {
  const header_field* found = nullptr;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const header_field& field = head.fields[i];
    if (!equals_ignoring_case(head.view(field.name), lower_name)) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  return found == nullptr ? std::string_view{} : head.view(found->value);
}

}  // namespace fasterapi::http
