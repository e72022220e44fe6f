#pragma once

#include <cstdint>
#include <string_view>

namespace fasterapi::http {

// What a Host field, an :authority or an absolute target names (RFC 9110 §7.2, RFC 3986 §3.2).
struct authority {
  std::string_view host;  // an IP literal keeps its brackets
  std::string_view port;  // digits; empty when there is none
};

// Reads `host [":" port]` into `to`. False for anything else: an empty host, user information, a comma, a path, a
// percent-encoded host (legal in a URI, never in use, and read differently by different servers), an IP literal that is
// no IPv6 address, a port above 65535.
// The views are parts of `text`.
bool parse_authority(std::string_view text, authority& to) noexcept;

// Whether both name the same server: hosts compare without regard to case, a missing port is `default_port`.
bool same_authority(const authority& one, const authority& other, std::string_view default_port) noexcept;

}  // namespace fasterapi::http
