#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fasterapi::server {

// What a handler answers. A value; it belongs to whoever holds it.
//
// The server adds Date, Content-Length and Connection; a handler's own of these are left out, but for "connection:
// close". A name or value that HTTP does not allow, or a status outside 200 to 999, makes it a logged 500.
struct response {
  // One header field.
  struct header {
    std::string name;
    std::string value;
  };

  uint16_t status = 200;
  // The Content-Type field. Empty: no such field.
  std::string content_type = {};
  std::string body = {};
  std::vector<header> headers = {};

  // UTF-8 text.
  static response text(std::string body, uint16_t status = 200) {
    return {status, "text/plain; charset=utf-8", std::move(body), {}};
  }
  static response html(std::string body, uint16_t status = 200) {
    return {status, "text/html; charset=utf-8", std::move(body), {}};
  }
  // A JSON document, already written.
  static response json(std::string document, uint16_t status = 200) {
    return {status, "application/json", std::move(document), {}};
  }
  // Bytes of any kind.
  static response bytes(std::string body, std::string content_type = "application/octet-stream") {
    return {200, std::move(content_type), std::move(body), {}};
  }
  // No body at all.
  static response empty(uint16_t status = 204) { return {status, {}, {}, {}}; }

  // Adds a header field: `return response::text("moved", 303).with("location", "/there");`
  response& with(std::string name, std::string value) & {
    headers.push_back({std::move(name), std::move(value)});
    return *this;
  }
  response&& with(std::string name, std::string value) && { return std::move(with(std::move(name), std::move(value))); }
};

}  // namespace fasterapi::server
