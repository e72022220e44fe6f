// parse request|query|cookies|path: what the engine makes of bytes, for comparison with other implementations.
//
// Reads records from stdin until its end, each a length (4 bytes, little-endian) and that many bytes. Writes one line
// of JSON for each. Bytes of a request are Latin-1 in the JSON; decoded text is UTF-8.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "http/cookie.h"
#include "http/h1/body_decoder.h"
#include "http/h1/head_parser.h"
#include "http/message.h"
#include "http/url.h"

namespace fasterapi::conformance {
namespace {

using namespace http;
using h1::parse_status;

bool read_record(std::string& to) {
  unsigned char length[4];
  if (std::fread(length, 1, sizeof length, stdin) != sizeof length) return false;
  to.resize(length[0] | static_cast<uint32_t>(length[1]) << 8 | static_cast<uint32_t>(length[2]) << 16 |
            static_cast<uint32_t>(length[3]) << 24);
  return std::fread(to.data(), 1, to.size(), stdin) == to.size();
}

void add_escaped(std::string& json, uint32_t character) {
  char escape[8];
  std::snprintf(escape, sizeof escape, "\\u%04x", character);
  json += escape;
}

bool is_plain(char byte) { return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\'; }

void add_latin1(std::string& json, std::string_view bytes) {
  json += '"';
  for (const char byte : bytes) {
    if (is_plain(byte)) {
      json += byte;
    } else {
      add_escaped(json, static_cast<uint8_t>(byte));
    }
  }
  json += '"';
}

void add_utf8(std::string& json, std::string_view text) {
  json += '"';
  for (const char byte : text) {
    if (is_plain(byte) || static_cast<uint8_t>(byte) >= 0x80) {
      json += byte;
    } else {
      add_escaped(json, static_cast<uint8_t>(byte));
    }
  }
  json += '"';
}

std::string refusal(const h1::parse_error& error) {
  std::string json = R"({"outcome":"error","status":)" + std::to_string(error.status) + R"(,"reason":)";
  add_latin1(json, error.reason);
  return json + "}";
}

struct body_outcome {
  parse_status status = parse_status::need_more;
  std::string content;
  size_t consumed = 0;
};

body_outcome read_body(h1::body_decoder& decoder, std::string_view bytes) {
  body_outcome outcome;
  for (;;) {
    const h1::body_decoder::step step = decoder.feed(bytes.data() + outcome.consumed, bytes.size() - outcome.consumed);
    outcome.status = step.status;
    outcome.content += step.content;
    outcome.consumed += step.consumed;
    if (step.status != parse_status::need_more || step.consumed == 0) return outcome;
  }
}

std::string describe(const request_head& head, const body_outcome& body) {
  std::string json = R"({"outcome":"complete","method":)";
  add_latin1(json, head.view(head.method_token));
  json += ",\"target\":";
  add_latin1(json, head.view(head.target));
  json += ",\"version\":" + std::to_string(head.version_minor);
  json += std::string(",\"keep_alive\":") + (head.keep_alive ? "true" : "false");
  json += std::string(",\"upgrade\":") + (head.has_upgrade ? "true" : "false");
  json += ",\"headers\":[";
  for (uint32_t i = 0; i < head.field_count; ++i) {
    json += i == 0 ? "[" : ",[";
    add_latin1(json, head.view(head.fields[i].name));
    json += ',';
    add_latin1(json, head.view(head.fields[i].value));
    json += ']';
  }
  json += "],\"body\":";
  add_latin1(json, body.content);
  return json + ",\"consumed\":" + std::to_string(head.size + body.consumed) + "}";
}

std::string parse_request(std::string_view bytes) {
  h1::head_parser parser{h1::head_limits{}};
  const auto head = std::make_unique<request_head>();
  const parse_status status = parser.feed(bytes.data(), bytes.size(), *head);
  if (status == parse_status::error) return refusal(parser.error());
  if (status == parse_status::need_more) return R"({"outcome":"more"})";
  h1::body_decoder decoder;
  if (head->chunked) {
    decoder.start_chunked();
  } else {
    decoder.start_length(head->content_length);
  }
  const body_outcome body = read_body(decoder, bytes.substr(head->size));
  if (body.status == parse_status::error) return refusal(decoder.error());
  if (body.status == parse_status::need_more) return R"({"outcome":"more"})";
  return describe(*head, body);
}

template <typename Reader>
std::string read_pairs(std::string_view bytes) {
  core::arena memory;
  std::string json = "[";
  name_value pair;
  for (Reader reader(bytes, memory); reader.next(pair);) {
    json += json.size() == 1 ? "[" : ",[";
    add_utf8(json, pair.name);
    json += ',';
    add_utf8(json, pair.value);
    json += ']';
  }
  return json + "]";
}

std::string decode_path(std::string_view bytes) {
  core::arena memory;
  std::string json;
  add_utf8(json, percent_decode(bytes, plus_sign::is_plus, memory).text);
  return json;
}

using answer = std::string (*)(std::string_view);

answer answer_of(std::string_view what) {
  if (what == "request") return parse_request;
  if (what == "query") return read_pairs<query_reader>;
  if (what == "cookies") return read_pairs<cookie_reader>;
  if (what == "path") return decode_path;
  return nullptr;
}

}  // namespace
}  // namespace fasterapi::conformance

int main(int count, char** arguments) {
  using namespace fasterapi::conformance;
  const answer make_answer = count == 2 ? answer_of(arguments[1]) : nullptr;
  if (make_answer == nullptr) {
    std::fputs("usage: parse request|query|cookies|path\n", stderr);
    return 2;
  }
  for (std::string record; read_record(record);) {
    const std::vector<char> bytes(record.begin(),
                                  record.end());  // exactly its size, so that sanitizers see every step outside
    std::puts(make_answer({bytes.data(), bytes.size()}).c_str());
  }
  return 0;
}
