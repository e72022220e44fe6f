#include "http/trace_context.h"

#include <algorithm>

namespace fasterapi::http {

namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr size_t trace_id_at = 3;
constexpr size_t trace_id_size = 32;
constexpr size_t parent_id_at = trace_id_at + trace_id_size + 1;
constexpr size_t parent_id_size = 16;
constexpr size_t flags_at = parent_id_at + parent_id_size + 1;
constexpr size_t total_size = flags_at + 2;

bool is_digit(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_hex(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), is_digit); }
bool is_zero(std::string_view text) noexcept { return text.find_first_not_of('0') == std::string_view::npos; }
unsigned value_of(char digit) noexcept { return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

}  // namespace

std::optional<trace_parent> parse_trace_parent(std::string_view text) noexcept {
  if (text.size() < total_size) return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  const std::string_view flags = text.substr(flags_at, 2);
  trace_parent found;
  found.trace_id = text.substr(trace_id_at, trace_id_size);
  found.parent_id = text.substr(parent_id_at, parent_id_size);
  if (text[trace_id_at - 1] != '-' || text[parent_id_at - 1] != '-' || text[flags_at - 1] != '-') return std::nullopt;
  if (!is_hex(version) || !is_hex(found.trace_id) || !is_hex(found.parent_id) || !is_hex(flags)) return std::nullopt;
  if (version == "ff" || is_zero(found.trace_id) || is_zero(found.parent_id)) return std::nullopt;
  if (text.size() > total_size && (version == "00" || text[total_size] != '-')) return std::nullopt;
  found.sampled = (value_of(flags[1]) & 1U) != 0;
  return found;
}

}  // namespace fasterapi::http
