#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h1/head_fields.h"
#include "http/h1/parse_result.h"
#include "http/message.h"

namespace fasterapi::http::h1 {

// Bounds of one request's head. Line ends count.
struct head_limits {
  uint32_t request_line_max_bytes = 8192;  // past it: 414
  uint32_t header_max_bytes = 65536;       // of all field lines and the empty line; past it: 431
  uint32_t header_max_count = 100;         // at most max_header_fields; past it: 431
};

// Reads the head of one HTTP/1.x request (RFC 9112 §2-5), and is stricter than the RFC where servers are known to
// disagree: lines end in CRLF only, a Host field is one authority, a framing field is one unambiguous value.
//
// The answers: 400 malformed or ambiguous, 414 and 431 past a limit, 417 an expectation other than 100-continue,
// 501 a transfer coding other than chunked, or CONNECT, 505 a version other than 1.0 and 1.1. After any of them
// the bytes that follow have no meaning: answer, then close.
//
// One thread. `head` must be the same object from the first feed of a message to its last.
class head_parser {
 public:
  explicit head_parser(const head_limits& limits) noexcept;

  // Forgets everything: the next byte fed is the first of a message.
  void reset() noexcept;

  // `data` holds every byte received of this message so far: it starts with what the earlier calls held (perhaps at
  // another address) and goes on with at least as much. No byte is looked at more than a fixed number of times,
  // however the message is split; how it is split does not change the outcome.
  // On complete, head.base is `data` and head.size the bytes consumed. On error, `head` is not to be used.
  parse_status feed(const char* data, size_t size, request_head& head) noexcept;

  // Why the last feed gave parse_status::error.
  const parse_error& error() const noexcept { return error_; }

 private:
  enum class phase : uint8_t { start, method, path, query, version, line_start, name, blank, value, failed };
  struct input;

  parse_status parse_request_line(input& in, request_head& head) noexcept;
  parse_status parse_start(input& in, request_head& head) noexcept;
  parse_status parse_method(input& in, request_head& head) noexcept;
  parse_status parse_target(input& in, request_head& head) noexcept;
  parse_status parse_version(input& in, request_head& head) noexcept;
  parse_status parse_version_slowly(input& in, request_head& head) noexcept;
  parse_status parse_fields(input& in, request_head& head) noexcept;
  parse_status parse_name(input& in, request_head& head) noexcept;
  parse_status parse_value(input& in, request_head& head) noexcept;
  parse_status parse_last_line(input& in, request_head& head) noexcept;
  parse_status interpret_target(request_head& head) noexcept;
  parse_status interpret_absolute_target(request_head& head) noexcept;
  parse_status wait_for_more(const input& in) noexcept;
  parse_status refuse(uint16_t status, std::string_view reason) noexcept;

  // Constant after construction.
  head_limits limits_;

  // Offsets from the first byte of the message.
  uint32_t at_ = 0;       // the next byte to look at
  uint32_t mark_ = 0;     // where the token under way starts
  uint32_t section_ = 0;  // where the request line starts, later the field section
  phase phase_ = phase::start;
  head_fields fields_;  // what the fields so far say about framing and the connection
  parse_error error_;
};

}  // namespace fasterapi::http::h1
