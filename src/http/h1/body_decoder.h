#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h1/parse_result.h"

namespace fasterapi::http::h1 {

// Bounds of one request's body.
struct body_limits {
  uint64_t body_max_bytes = uint64_t{16} << 20;  // of content, after decoding; past it: 413
  uint32_t extension_max_bytes = 4096;           // of all chunk extensions of one body; past it: 400
  uint32_t trailer_max_bytes = 8192;             // of the trailer section; past it: 431
};

// Takes the content out of a message body (RFC 9112 §6-7).
//
// Chunked framing is read strictly: sizes are 1-16 hexadecimal digits, lines end in CRLF only, extensions follow the
// grammar, without the blanks that it tolerates. Extensions and trailer fields are checked and dropped: a trailer
// never becomes a field of the request.
// After an error the bytes that follow have no meaning: answer, then close.
class body_decoder {
 public:
  explicit body_decoder(const body_limits& limits = {}) noexcept : limits_(limits) {}

  // Starts a body of `length` bytes, or a chunked one.
  void start_length(uint64_t length) noexcept;
  void start_chunked() noexcept;

  struct step {
    parse_status status;
    size_t consumed;           // bytes of `data` that are done with
    std::string_view content;  // body bytes among them; a view of `data`
  };
  // Takes the next bytes of the body, at most up to the end of one run of content: after need_more with something
  // consumed, call again with the rest, if there is any. After complete, the rest is the next message.
  step feed(const char* data, size_t size) noexcept;

  // Why the last feed gave parse_status::error.
  const parse_error& error() const noexcept { return error_; }

 private:
  step feed_length(const char* data, size_t size) noexcept;
  step feed_chunked(const char* data, size_t size) noexcept;
  bool take(char byte) noexcept;
  bool start_chunk() noexcept;
  bool refuse(uint16_t status, std::string_view reason) noexcept;

  // Constant after construction.
  body_limits limits_;

  bool chunked_ = false;
  uint8_t state_ = 0;   // of the chunked machine
  uint8_t digits_ = 0;  // of the size under way
  uint32_t extension_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
  uint64_t remaining_ = 0;  // content bytes of the body or of the chunk that are to come; the size under way
  uint64_t received_ = 0;   // content bytes that earlier chunks announced
  parse_error error_;
};

}  // namespace fasterapi::http::h1
