#pragma once

#include <cstdint>
#include <string_view>

#include "http/h1/parse_result.h"
#include "http/message.h"

namespace fasterapi::http::h1 {

// The field that `name` names; `name` must be a token.
field_id identify_field(std::string_view name) noexcept;

// Gathers what the fields of one head say about framing, the connection and the Host, and refuses what is ambiguous.
//
// Call reset(), then add() for every field in order, then finish(). Both return false, and set error(), when the head
// must be refused.
class head_fields {
 public:
  void reset() noexcept { *this = head_fields(); }
  bool add(const header_field& field, request_head& head) noexcept;
  bool finish(request_head& head) noexcept;
  const parse_error& error() const noexcept { return error_; }

 private:
  bool add_host(const header_field& field, request_head& head) noexcept;
  bool add_content_length(std::string_view value, request_head& head) noexcept;
  bool add_transfer_encoding(std::string_view value) noexcept;
  void add_connection(std::string_view value) noexcept;
  bool refuse(uint16_t status, std::string_view reason) noexcept {
    error_ = {status, reason};
    return false;
  }

  enum class coding : uint8_t { none, chunked, unknown };
  coding coding_ = coding::none;
  bool has_host_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  parse_error error_;
};

}  // namespace fasterapi::http::h1
