#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fasterapi::http {

// A run of bytes of a message, relative to the message's first byte: it stays right when the bytes move.
struct slice {
  uint32_t offset = 0;
  uint32_t length = 0;
};

enum class method : uint8_t { get, head, post, put, patch, delete_, options, trace, connect, other };
inline constexpr size_t method_count = 9;  // `other` is a method the engine has no name for

// The method's token as it stands on the wire ("GET"); empty for `other`.
std::string_view to_string(method value) noexcept;
// `other` for any token that is not one of the named methods; case-sensitive (RFC 9110 §9.1).
method method_from(std::string_view token) noexcept;

// Fields that the engine itself looks at. Everything else is `other` and only passed on.
enum class field_id : uint8_t {
  other,
  host,
  content_length,
  content_type,
  transfer_encoding,
  connection,
  expect,
  cookie,
  upgrade,
  te,
  trailer,
};

struct header_field {
  slice name;   // as received, not lowered
  slice value;  // without the whitespace around it
  field_id id = field_id::other;
};

inline constexpr uint32_t max_header_fields = 100;

// One request's head (RFC 9112 §2-5), as slices of the bytes it was parsed from.
//
// Lifetime: `base` must point at the same bytes while views are taken; when the bytes are moved, set `base` anew.
struct request_head {
  const char* base = nullptr;
  uint32_t size = 0;  // bytes of the head, the empty line included

  http::method method = http::method::other;
  uint8_t version_minor = 1;  // HTTP/1.0 or HTTP/1.1
  bool keep_alive = true;     // what the client asked for, with the version's default
  bool chunked = false;
  bool has_content_length = false;
  bool expect_continue = false;
  bool has_upgrade = false;
  uint64_t content_length = 0;

  slice method_token;
  slice target;     // as received
  slice path;       // of the target, percent-encoded as received; "*" for the asterisk form
  slice query;      // without the '?'; empty when there is none
  slice authority;  // the Host field's value, or the authority of an absolute-form target

  uint32_t field_count = 0;
  std::array<header_field, max_header_fields> fields;

  std::string_view view(slice part) const noexcept { return {base + part.offset, part.length}; }
  // The first field of that (lower-case) name; null when there is none. Names compare without regard to ASCII case.
  const header_field* find(std::string_view lower_name) const noexcept;
};

// The value of the field of that (lower-case) name; empty where there is none, or more than one.
std::string_view only_field(const request_head& head, std::string_view lower_name) noexcept;

// Whether two ASCII names are equal without regard to case; `lower` is already lower-case.
bool equals_ignoring_case(std::string_view name, std::string_view lower) noexcept;

}  // namespace fasterapi::http
