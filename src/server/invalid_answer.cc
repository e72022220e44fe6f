#include "server/invalid_answer.h"

namespace fasterapi::server {

std::optional<answer_view> invalid_answer(const application& app, call& refused, const schema::error_list& errors,
                                          core::byte_buffer& body) noexcept {
  body.clear();
  schema::write_errors(errors, body);
  const auto status = static_cast<uint16_t>(errors.http_status());
  if (app.intercepts(status)) {
    refused.refused.status = status;
    refused.refused.body = refused.memory.copy(body.view());
    return std::nullopt;
  }
  answer_view invalid;
  invalid.status = status;
  invalid.content_type = "application/json";
  invalid.body = body.view();
  return invalid;
}

}  // namespace fasterapi::server
