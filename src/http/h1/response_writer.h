#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fasterapi::http::h1 {

// How the end of a response's content is told (RFC 9112 §6).
enum class framing : uint8_t {
  length,   // Content-Length: also of the content that a HEAD response leaves out
  chunked,  // HTTP/1.1 only
  close,    // by closing the connection: content of unknown length to HTTP/1.0; `connection` must be close
};

// What the Connection field says.
enum class connection_option : uint8_t {
  none,        // HTTP/1.1 stays open
  close,       // closes after this response
  keep_alive,  // HTTP/1.0 stays open: it must be told so
};

struct response_field {
  std::string_view name;
  std::string_view value;
};

// One response's head. Views must hold until it is written.
struct response_head {
  uint16_t status = 200;                  // 100-999
  h1::framing framing = framing::length;  // left out of the head where the status allows no content (1xx, 204, 304)
  connection_option connection = connection_option::none;
  uint64_t content_length = 0;
  std::string_view content_type = {};  // empty: no such field
  std::string_view date = {};          // 29 bytes (date_cache); empty: no such field
  std::string_view request_id = {};    // X-Request-ID; empty: no such field
  // The handler's. Connection, Content-Length, Keep-Alive, Transfer-Encoding and Upgrade among them are left out: those
  // are said above. Names and values must be valid (find_invalid_field).
  std::span<const response_field> fields = {};
};

// The exact number of bytes that write_head() writes.
size_t head_size(const response_head& head) noexcept;

// Writes the head, its empty line included, and returns its size. `to` has room for head_size(head) bytes.
size_t write_head(char* to, const response_head& head) noexcept;

// RFC 9110 §5.1: a token.
bool is_valid_field_name(std::string_view name) noexcept;
// RFC 9110 §5.5: no CR, LF, NUL or other control character but HTAB.
bool is_valid_field_value(std::string_view value) noexcept;
// The first field that must not be sent; null when all may be.
const response_field* find_invalid_field(std::span<const response_field> fields) noexcept;

inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

// A chunk is its head, `size` bytes of content and chunk_end. A size of 0 would end the body: skip empty content.
inline constexpr size_t chunk_head_max_bytes = 18;
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

// Writes the line before a chunk's content and returns its size, at most chunk_head_max_bytes.
size_t write_chunk_head(char* to, uint64_t size) noexcept;

}  // namespace fasterapi::http::h1
