#include "http/h1/response_writer.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "http/characters.h"
#include "http/message.h"
#include "http/status.h"

namespace fasterapi::http::h1 {
namespace {

constexpr std::string_view ok_line = "HTTP/1.1 200 OK\r\n";
constexpr std::string_view version = "HTTP/1.1 ";
constexpr std::string_view type_name = "content-type: ";
constexpr std::string_view length_name = "content-length: ";
constexpr std::string_view date_name = "date: ";
constexpr std::string_view chunked_line = "transfer-encoding: chunked\r\n";
constexpr std::string_view close_line = "connection: close\r\n";
constexpr std::string_view keep_alive_line = "connection: keep-alive\r\n";
constexpr std::string_view request_id_name = "x-request-id: ";
constexpr std::string_view line_end = "\r\n";
constexpr std::string_view json_type = "application/json";
constexpr std::string_view json_start = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";

char* put(char* to, std::string_view text) noexcept {
  if (text.empty()) return to;  // whose data may be null
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

size_t decimal_size(uint64_t value) noexcept {
  size_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

char* put_decimal(char* to, uint64_t value) noexcept {
  char* const end = to + decimal_size(value);
  char* at = end;
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return end;
}

std::string_view connection_line(connection_option option) noexcept {
  switch (option) {
    case connection_option::close:
      return close_line;
    case connection_option::keep_alive:
      return keep_alive_line;
    case connection_option::none:
      break;
  }
  return {};
}

// Whether a field is the engine's to write.
bool is_own_field(std::string_view name) noexcept {
  switch (name.size()) {
    case 7:
      return equals_ignoring_case(name, "upgrade");
    case 10:
      return equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "keep-alive");
    case 14:
      return equals_ignoring_case(name, "content-length");
    case 17:
      return equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

size_t line_size(std::string_view name, std::string_view value) noexcept {
  return value.empty() ? 0 : name.size() + value.size() + line_end.size();
}

char* put_line(char* to, std::string_view name, std::string_view value) noexcept {
  if (value.empty()) return to;
  return put(put(put(to, name), value), line_end);
}

// 200 with a JSON body of known length on a connection that stays as it is: the head is one constant, two variables.
bool is_plain_json(const response_head& head) noexcept {
  return head.status == 200 && head.framing == framing::length && head.connection == connection_option::none &&
         head.fields.empty() && head.request_id.empty() && head.content_type == json_type && !head.date.empty();
}

char* put_plain_json(char* to, const response_head& head) noexcept {
  to = put_decimal(put(to, json_start), head.content_length);
  to = put(to, "\r\ndate: ");
  return put(put(to, head.date), "\r\n\r\n");
}

}  // namespace

size_t head_size(const response_head& head) noexcept {
  size_t size = version.size() + 4 + reason_phrase(head.status).size() + line_end.size();
  size += line_size(type_name, head.content_type) + line_size(date_name, head.date) +
          line_size(request_id_name, head.request_id);
  if (allows_content(head.status)) {
    if (head.framing == framing::length)
      size += length_name.size() + decimal_size(head.content_length) + line_end.size();
    if (head.framing == framing::chunked) size += chunked_line.size();
  }
  for (const response_field& field : head.fields) {
    if (!is_own_field(field.name)) size += field.name.size() + 2 + field.value.size() + line_end.size();
  }
  return size + connection_line(head.connection).size() + line_end.size();
}

size_t write_head(char* to, const response_head& head) noexcept {
  if (is_plain_json(head)) return static_cast<size_t>(put_plain_json(to, head) - to);
  assert(head.status >= 100 && head.status <= 999);
  char* at = to;
  if (head.status == 200) {
    at = put(at, ok_line);
  } else {
    at = put_decimal(put(at, version), head.status);
    *at++ = ' ';
    at = put(put(at, reason_phrase(head.status)), line_end);
  }
  at = put_line(at, type_name, head.content_type);
  if (allows_content(head.status)) {
    if (head.framing == framing::length) at = put(put_decimal(put(at, length_name), head.content_length), line_end);
    if (head.framing == framing::chunked) at = put(at, chunked_line);
  }
  at = put_line(at, date_name, head.date);
  at = put_line(at, request_id_name, head.request_id);
  for (const response_field& field : head.fields) {
    if (is_own_field(field.name)) continue;
    at = put(put(at, field.name), ": ");
    at = put(put(at, field.value), line_end);
  }
  at = put(at, connection_line(head.connection));
  at = put(at, line_end);
  return static_cast<size_t>(at - to);
}

bool is_valid_field_name(std::string_view name) noexcept { return is_token(name); }

bool is_valid_field_value(std::string_view value) noexcept { return is_all(char_class::field_value, value); }

const response_field* find_invalid_field(std::span<const response_field> fields) noexcept {
  for (const response_field& field : fields) {
    if (!is_valid_field_name(field.name) || !is_valid_field_value(field.value)) return &field;
  }
  return nullptr;
}

size_t write_chunk_head(char* to, uint64_t size) noexcept {
  const size_t digits = size == 0 ? 1 : (static_cast<size_t>(std::bit_width(size)) + 3) / 4;
  for (char* at = to + digits; at != to; size >>= 4) *--at = "0123456789abcdef"[size & 15];
  put(to + digits, chunk_end);
  return digits + chunk_end.size();
}

}  // namespace fasterapi::http::h1
