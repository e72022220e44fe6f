// The head of a request gives the same outcome however it is split, and an accepted one keeps what its type promises.
// The first byte of the input chooses the limits.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/expect.h"
#include "http/authority.h"
#include "http/characters.h"
#include "http/h1/head_parser.h"

namespace fasterapi::fuzz {
namespace {

using namespace http;
using h1::parse_status;

constexpr h1::head_limits small_limits{.request_line_max_bytes = 64, .header_max_bytes = 96, .header_max_count = 4};
constexpr size_t splits_max = 64;  // longer inputs are split at some places only

bool is_within(slice part, uint32_t size) { return part.offset <= size && part.length <= size - part.offset; }

void check_accepted(const request_head& head) {
  for (const slice part : {head.method_token, head.target, head.path, head.query, head.authority}) {
    expect(is_within(part, head.size), "a part lies in the head");
  }
  expect(is_token(head.view(head.method_token)), "the method is a token");
  expect(is_all(char_class::target, head.view(head.target)), "the target is visible ASCII");
  expect(head.path.length != 0, "the path is not empty");
  const char first = head.view(head.path)[0];
  expect(first == '/' || head.view(head.path) == "*", "the path is absolute");
  expect(!(head.chunked && head.has_content_length), "the framing is unambiguous");
  authority named;
  if (head.version_minor == 1 || head.authority.length != 0) {
    expect(parse_authority(head.view(head.authority), named), "the authority is valid");
  }
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const header_field& field = head.fields[i];
    expect(is_within(field.name, head.size) && is_within(field.value, head.size), "a field lies in the head");
    expect(is_token(head.view(field.name)), "a field name is a token");
    const std::string_view value = head.view(field.value);
    expect(is_all(char_class::field_value, value), "a field value is text");
    expect(trim_blanks(value) == value, "a field value has no blanks around it");
  }
  expect(head.view({head.size - 4, 4}) == "\r\n\r\n", "the head ends in an empty line");
}

std::string describe(parse_status status, const h1::head_parser& parser, const request_head& head) {
  if (status == parse_status::need_more) return "more";
  if (status == parse_status::error) {
    return std::to_string(parser.error().status) + ' ' + std::string(parser.error().reason);
  }
  std::string text = std::to_string(head.size) + ' ' + std::to_string(head.content_length);
  const auto add = [&text](slice part) {
    text += ' ' + std::to_string(part.offset) + '+' + std::to_string(part.length);
  };
  for (const bool flag : {head.keep_alive, head.chunked, head.has_content_length, head.expect_continue,
                          head.has_upgrade, head.version_minor == 1}) {
    text += flag ? '1' : '0';
  }
  for (const slice part : {head.method_token, head.target, head.path, head.query, head.authority}) add(part);
  for (uint32_t i = 0; i < head.field_count; ++i) {
    add(head.fields[i].name);
    add(head.fields[i].value);
    text += '#' + std::to_string(static_cast<int>(head.fields[i].id));
  }
  return text;
}

// Feeds the first cuts[0], then the first cuts[1]... bytes, each time from fresh memory of exactly that size.
std::string parse(std::string_view message, const std::vector<size_t>& cuts, const h1::head_limits& limits) {
  h1::head_parser parser(limits);
  const auto head = std::make_unique<request_head>();
  std::vector<char> bytes;
  parse_status status = parse_status::need_more;
  for (const size_t cut : cuts) {
    bytes = std::vector<char>(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(cut));
    status = parser.feed(bytes.data(), bytes.size(), *head);
    if (status == parse_status::complete) check_accepted(*head);
    if (status != parse_status::need_more) break;
  }
  return describe(status, parser, *head);
}

void check(std::string_view input) {
  if (input.empty()) return;
  const h1::head_limits limits = (input[0] & 1) != 0 ? small_limits : h1::head_limits{};
  const std::string_view message = input.substr(1);
  const std::string whole = parse(message, {message.size()}, limits);
  const size_t step = 1 + message.size() / splits_max;
  std::vector<size_t> every;
  for (size_t cut = 0; cut < message.size(); cut += step) {
    every.push_back(cut);
    expect(parse(message, {cut, message.size()}, limits) == whole, "two pieces give the outcome of the whole");
  }
  every.push_back(message.size());
  expect(parse(message, every, limits) == whole, "many pieces give the outcome of the whole");
}

}  // namespace
}  // namespace fasterapi::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fasterapi::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
