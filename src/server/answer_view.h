#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/h1/response_writer.h"

namespace fasterapi::server {

// An answer, ready for the wire. Everything in it is only read during shard::answer().
struct answer_view {
  uint16_t status = 200;
  std::string_view content_type;  // empty: no such field
  // Further fields, already checked (find_invalid_field); those about framing and the connection are left out.
  std::span<const http::h1::response_field> fields;
  std::string_view body;
  // How many bytes before body.data() may be overwritten: room for the head, so that head and body leave as one piece.
  size_t headroom = 0;
  bool close = false;  // close the connection after this answer
};

}  // namespace fasterapi::server
