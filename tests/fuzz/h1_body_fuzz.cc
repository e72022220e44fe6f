// A chunked body gives the same content however it is split, and the content is bytes of the input.
// The first byte of the input chooses the limits.

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/expect.h"
#include "http/h1/body_decoder.h"

namespace fasterapi::fuzz {
namespace {

using http::h1::body_decoder;
using http::h1::body_limits;
using http::h1::parse_status;

constexpr body_limits small_limits{.body_max_bytes = 32, .extension_max_bytes = 8, .trailer_max_bytes = 16};
constexpr size_t splits_max = 64;  // longer inputs are split at some places only

std::string decode(std::string_view body, const std::vector<size_t>& cuts, const body_limits& limits) {
  body_decoder decoder(limits);
  decoder.start_chunked();
  std::string content;
  size_t consumed = 0;
  const auto outcome = [&](std::string_view end) {
    return content + '|' + std::to_string(consumed) + std::string(end);
  };
  for (const size_t cut : cuts) {
    const std::vector<char> piece(body.begin() + static_cast<std::ptrdiff_t>(consumed),
                                  body.begin() + static_cast<std::ptrdiff_t>(cut));
    for (size_t at = 0; at < piece.size();) {
      const body_decoder::step step = decoder.feed(piece.data() + at, piece.size() - at);
      expect(step.consumed <= piece.size() - at && step.content.size() <= step.consumed,
             "a step stays within its bytes");
      expect(step.content.size() <= limits.body_max_bytes - content.size(), "content stays within its bound");
      content += step.content;
      consumed += step.consumed;
      at += step.consumed;
      if (step.status == parse_status::complete) return outcome("complete");
      if (step.status == parse_status::error) return outcome(decoder.error().reason);
      expect(step.consumed != 0, "a waiting decoder takes everything");
    }
  }
  return outcome("more");
}

void check(std::string_view input) {
  if (input.empty()) return;
  const body_limits limits = (input[0] & 1) != 0 ? small_limits : body_limits{};
  const std::string_view body = input.substr(1);
  const std::string whole = decode(body, {body.size()}, limits);
  const size_t step = 1 + body.size() / splits_max;
  std::vector<size_t> every;
  for (size_t cut = 0; cut < body.size(); cut += step) {
    every.push_back(cut);
    expect(decode(body, {cut, body.size()}, limits) == whole, "two pieces give the outcome of the whole");
  }
  every.push_back(body.size());
  expect(decode(body, every, limits) == whole, "many pieces give the outcome of the whole");
}

}  // namespace
}  // namespace fasterapi::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fasterapi::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
