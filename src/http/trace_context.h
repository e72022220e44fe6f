#pragma once

#include <optional>
#include <string_view>

namespace fasterapi::http {

// A request's place in a distributed trace: W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header.
// Views of the text that was parsed.
struct trace_parent {
  std::string_view trace_id;   // 32 hexadecimal digits, not all zero
  std::string_view parent_id;  // 16, not all zero
  bool sampled = false;
};

// None where the text is not valid by the specification: then the trace is to be begun anew. Of versions later than 00,
// what follows the parts of version 00 is left alone.
std::optional<trace_parent> parse_trace_parent(std::string_view text) noexcept;

}  // namespace fasterapi::http
