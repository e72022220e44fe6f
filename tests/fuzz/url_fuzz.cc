// Decoded paths, queries and cookies are UTF-8 whatever was received, and end; traces are what they are read as.

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/utf8.h"
#include "fuzz/expect.h"
#include "http/authority.h"
#include "http/cookie.h"
#include "http/trace_context.h"
#include "http/url.h"

namespace fasterapi::fuzz {
namespace {

using namespace http;

void check_path(std::string_view text, core::arena& memory) {
  const decoded_text decoded = percent_decode(text, plus_sign::is_plus, memory);
  expect(core::is_utf8(decoded.text), "a decoded path is UTF-8");
  expect(decoded.has_null == (decoded.text.find('\0') != std::string_view::npos), "a NUL is reported");
  const bool has_percent = text.find('%') != std::string_view::npos;
  expect(has_percent || !decoded.has_malformed_percent, "only a percent can be malformed");
  if (!has_percent && core::is_utf8(text)) expect(decoded.text == text, "plain text stays as it is");
}

template <typename Reader>
void check_pairs(std::string_view text, char separator, core::arena& memory) {
  size_t pieces_left = 1;
  for (const char byte : text) pieces_left += byte == separator ? 1 : 0;
  name_value pair;
  for (Reader reader(text, memory); reader.next(pair);) {
    expect(core::is_utf8(pair.name) && core::is_utf8(pair.value), "a decoded pair is UTF-8");
    expect(pieces_left-- != 0, "there are no more pairs than pieces");
  }
}

void check_authority(std::string_view text) {
  authority parts;
  if (!parse_authority(text, parts)) return;
  expect(!parts.host.empty() && parts.port.size() <= 5, "an authority has a host and a short port");
  expect(text.find_first_of(",@/\\?#% ") == std::string_view::npos, "an authority has no other parts");
  expect(same_authority(parts, parts, "80"), "an authority equals itself");
}

void check_trace_parent(std::string_view text) {
  const auto found = parse_trace_parent(text);
  if (!found) return;
  expect(found->trace_id.size() == 32 && found->parent_id.size() == 16, "the ids of a trace have their size");
  expect(text.find_first_not_of("0123456789abcdef-") >= 55, "a trace's place is written in lower-case digits");
}

void check(std::string_view input) {
  const std::vector<char> bytes(input.begin(), input.end());  // exactly as large as the input, so that ASan sees more
  const std::string_view text(bytes.data(), bytes.size());
  core::arena memory;
  check_path(text, memory);
  check_pairs<query_reader>(text, '&', memory);
  check_pairs<cookie_reader>(text, ';', memory);
  check_authority(text);
  check_trace_parent(text);
  expect(!memory.failed(), "there was memory");
}

}  // namespace
}  // namespace fasterapi::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fasterapi::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
