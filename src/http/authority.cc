#include "http/authority.h"

#include "http/characters.h"

namespace fasterapi::http {
namespace {

bool is_port(std::string_view text) noexcept {
  if (text.size() > 5 || !is_all(char_class::digit, text)) return false;
  uint32_t value = 0;
  for (const char byte : text) value = value * 10 + static_cast<uint32_t>(byte - '0');
  return value <= 65535;
}

// dec-octet "." dec-octet "." dec-octet "." dec-octet (RFC 3986 §3.2.2)
bool is_ipv4(std::string_view text) noexcept {
  for (int octet = 0; octet < 4; ++octet) {
    size_t digits = 0;
    uint32_t value = 0;
    while (digits < text.size() && digits < 3 && is_in(char_class::digit, text[digits])) {
      value = value * 10 + static_cast<uint32_t>(text[digits++] - '0');
    }
    if (digits == 0 || value > 255 || (digits > 1 && text[0] == '0')) return false;
    text.remove_prefix(digits);
    if (octet == 3) break;
    if (text.empty() || text[0] != '.') return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

// Up to eight groups of 1-4 hexadecimal digits, one "::" standing for one or more of them, the last two perhaps as
// IPv4.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool compressed = false;
  if (text.starts_with("::")) {
    compressed = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    size_t digits = 0;
    while (digits < text.size() && hex_value(text[digits]) >= 0) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      groups += 2;
      if (!is_ipv4(text)) return false;
      break;
    }
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) break;
    if (text[0] != ':' || text.size() == 1) return false;
    text.remove_prefix(1);
    if (text[0] != ':') continue;
    if (compressed) return false;
    compressed = true;
    text.remove_prefix(1);
  }
  return compressed ? groups <= 7 : groups == 8;
}

}  // namespace

bool parse_authority(std::string_view text, authority& to) noexcept {
  size_t host_end = 0;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || !is_ipv6(text.substr(1, bracket - 1))) return false;
    host_end = bracket + 1;
  } else {
    while (host_end < text.size() && is_in(char_class::reg_name, text[host_end])) ++host_end;
    if (host_end == 0) return false;
  }
  to.host = text.substr(0, host_end);
  to.port = {};
  if (host_end == text.size()) return true;
  if (text[host_end] != ':') return false;
  to.port = text.substr(host_end + 1);
  return is_port(to.port);
}

bool same_authority(const authority& one, const authority& other, std::string_view default_port) noexcept {
  if (one.host.size() != other.host.size()) return false;
  for (size_t i = 0; i < one.host.size(); ++i) {
    if (to_lower(one.host[i]) != to_lower(other.host[i])) return false;
  }
  return (one.port.empty() ? default_port : one.port) == (other.port.empty() ? default_port : other.port);
}

}  // namespace fasterapi::http
