#include "http/h1/head_fields.h"

#include <cstring>

#include "http/authority.h"
#include "http/characters.h"

namespace fasterapi::http::h1 {
namespace {

template <typename Word>
Word load(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Whether the Size-1 bytes at `name`, all of them tchar, are `lower` without regard to case. Setting bit 5 lowers the
// letters, and no other tchar becomes a letter or '-' by it. Words may overlap.
template <size_t Size>
bool matches(const char* name, const char (&lower)[Size]) noexcept {
  constexpr size_t length = Size - 1;
  if constexpr (length >= 8) {
    constexpr uint64_t bit5 = 0x2020202020202020U;
    bool same = true;
    for (size_t i = 0; i + 8 <= length; i += 8) same &= (load<uint64_t>(name + i) | bit5) == load<uint64_t>(lower + i);
    constexpr size_t last = length - 8;
    return same && (load<uint64_t>(name + last) | bit5) == load<uint64_t>(lower + last);
  } else if constexpr (length >= 4) {
    constexpr uint32_t bit5 = 0x20202020U;
    constexpr size_t last = length - 4;
    return (load<uint32_t>(name) | bit5) == load<uint32_t>(lower) &&
           (load<uint32_t>(name + last) | bit5) == load<uint32_t>(lower + last);
  } else {
    static_assert(length == 2);
    return (load<uint16_t>(name) | 0x2020U) == load<uint16_t>(lower);
  }
}

// Takes the first element of a comma-separated list off `list`.
std::string_view next_element(std::string_view& list) noexcept {
  const size_t comma = list.find(',');
  const std::string_view element = trim_blanks(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  return element;
}

}  // namespace

field_id identify_field(std::string_view name) noexcept {
  const char* at = name.data();
  switch (name.size()) {
    case 2:
      return matches(at, "te") ? field_id::te : field_id::other;
    case 4:
      return matches(at, "host") ? field_id::host : field_id::other;
    case 6:
      if (matches(at, "cookie")) return field_id::cookie;
      return matches(at, "expect") ? field_id::expect : field_id::other;
    case 7:
      if (matches(at, "upgrade")) return field_id::upgrade;
      return matches(at, "trailer") ? field_id::trailer : field_id::other;
    case 10:
      return matches(at, "connection") ? field_id::connection : field_id::other;
    case 12:
      return matches(at, "content-type") ? field_id::content_type : field_id::other;
    case 14:
      return matches(at, "content-length") ? field_id::content_length : field_id::other;
    case 17:
      return matches(at, "transfer-encoding") ? field_id::transfer_encoding : field_id::other;
    default:
      return field_id::other;
  }
}

bool head_fields::add(const header_field& field, request_head& head) noexcept {
  switch (field.id) {
    case field_id::host:
      return add_host(field, head);
    case field_id::content_length:
      return add_content_length(head.view(field.value), head);
    case field_id::transfer_encoding:
      return add_transfer_encoding(head.view(field.value));
    case field_id::connection:
      add_connection(head.view(field.value));
      break;
    case field_id::expect:
      if (head.version_minor == 0) break;  // RFC 9110 §10.1.1: ignored
      if (!equals_ignoring_case(head.view(field.value), "100-continue")) {
        return refuse(417, "the only expectation this server knows is 100-continue");
      }
      head.expect_continue = true;
      break;
    case field_id::upgrade:
      head.has_upgrade = true;
      break;
    default:
      break;
  }
  return true;
}

bool head_fields::add_host(const header_field& field, request_head& head) noexcept {
  if (has_host_) return refuse(400, "Host is given twice; send it once");
  has_host_ = true;
  const std::string_view value = head.view(field.value);
  authority named;
  if (!parse_authority(value, named))
    return refuse(400, "Host is malformed; it is one host name or IP address, and perhaps :port");
  if (head.authority.length == 0) {
    head.authority = field.value;
    return true;
  }
  authority targeted;
  const bool is_https = head.view(head.target)[4] != ':';  // "http:" or "https:"
  if (!parse_authority(head.view(head.authority), targeted) ||
      !same_authority(named, targeted, is_https ? "443" : "80")) {
    return refuse(400, "Host names another server than the request target; they must be the same");
  }
  return true;
}

bool head_fields::add_content_length(std::string_view value, request_head& head) noexcept {
  if (head.has_content_length) return refuse(400, "Content-Length is given twice; send it once");
  if (value.empty() || !is_all(char_class::digit, value)) {
    return refuse(400, "Content-Length is malformed; it is a decimal number, digits only");
  }
  uint64_t length = 0;
  if (value.size() <= 19) {  // 10^19 - 1 fits 64 bits
    for (const char byte : value) length = length * 10 + static_cast<uint64_t>(byte - '0');
  }
  if (value.size() > 19 || length > uint64_t{INT64_MAX}) {
    return refuse(400, "Content-Length is too large; at most 19 digits and 2^63-1");
  }
  head.has_content_length = true;
  head.content_length = length;
  return true;
}

bool head_fields::add_transfer_encoding(std::string_view value) noexcept {
  if (coding_ != coding::none) return refuse(400, "Transfer-Encoding is given twice; send it once");
  if (equals_ignoring_case(value, "chunked")) {
    coding_ = coding::chunked;
    return true;
  }
  uint32_t chunked_count = 0;
  for (std::string_view rest = value;;) {
    const bool is_last = rest.find(',') == std::string_view::npos;
    const std::string_view element = next_element(rest);
    if (!is_token(element)) return refuse(400, "Transfer-Encoding is malformed; it is `chunked` and nothing else");
    if (equals_ignoring_case(element, "chunked")) ++chunked_count;
    if (chunked_count > 1 || (chunked_count == 1 && !is_last)) {
      return refuse(400, "Transfer-Encoding names chunked twice or not last; it is `chunked` and nothing else");
    }
    if (is_last) break;
  }
  coding_ = coding::unknown;
  return true;
}

void head_fields::add_connection(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::string_view option = next_element(value);
    if (equals_ignoring_case(option, "close")) close_ = true;
    if (equals_ignoring_case(option, "keep-alive")) keep_alive_ = true;
  }
}

bool head_fields::finish(request_head& head) noexcept {
  if (!has_host_ && head.version_minor == 1) return refuse(400, "an HTTP/1.1 request has a Host field; send one");
  if (coding_ != coding::none) {
    if (head.has_content_length)
      return refuse(400, "Content-Length and Transfer-Encoding exclude each other; send one of them");
    if (head.version_minor == 0)
      return refuse(400, "HTTP/1.0 has no Transfer-Encoding; send Content-Length or speak HTTP/1.1");
    if (coding_ == coding::unknown) return refuse(501, "the only transfer coding this server knows is chunked");
    head.chunked = true;
  }
  head.keep_alive = !close_ && (head.version_minor == 1 || keep_alive_);
  return true;
}

}  // namespace fasterapi::http::h1
