#include "http/h1/body_decoder.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "http/characters.h"

namespace fasterapi::http::h1 {
namespace {

// What a byte is to the grammar of chunk lines and trailers.
enum kind : uint8_t { hex, token, text, blank, semicolon, equals, quote, backslash, colon, cr, lf, other, kind_count };

enum state : uint8_t {
  size_start,
  size,
  size_lf,
  extension_start,  // extensions, up to extension_end
  extension_name,
  value_start,
  value_token,
  value_quoted,
  value_escape,
  extension_end,
  data,
  data_cr,
  data_lf,
  trailer_start,  // trailers, up to done
  trailer_name,
  trailer_value,
  trailer_lf,
  last_lf,
  done,
  failed,
  state_count
};

constexpr std::array<kind, 256> make_kinds() {
  std::array<kind, 256> kinds{};
  for (unsigned value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    kinds[value] = is_in(char_class::field_value, byte) ? text : other;
    if (is_in(char_class::token, byte)) kinds[value] = token;
    if (hex_value(byte) >= 0) kinds[value] = hex;
    if (is_blank(byte)) kinds[value] = blank;
  }
  kinds[';'] = semicolon;
  kinds['='] = equals;
  kinds['"'] = quote;
  kinds['\\'] = backslash;
  kinds[':'] = colon;
  kinds['\r'] = cr;
  kinds['\n'] = lf;
  return kinds;
}

using transitions = std::array<std::array<state, kind_count>, state_count>;

constexpr transitions make_transitions() {
  transitions table{};
  for (auto& row : table) row.fill(failed);
  const auto on = [&table](state from, std::initializer_list<kind> kinds, state to) {
    for (const kind each : kinds) table[from][each] = to;
  };
  const auto name = {hex, token};
  const auto printable = {hex, token, text, blank, semicolon, equals, quote, backslash, colon};
  on(size_start, {hex}, size);
  on(size, {hex}, size);
  for (const state end : {size, extension_name, value_token, extension_end}) {
    on(end, {semicolon}, extension_start);
    on(end, {cr}, size_lf);
  }
  on(size_lf, {lf}, data);
  on(extension_start, name, extension_name);
  on(extension_name, name, extension_name);
  on(extension_name, {equals}, value_start);
  on(value_start, name, value_token);
  on(value_start, {quote}, value_quoted);
  on(value_token, name, value_token);
  on(value_quoted, printable, value_quoted);
  on(value_quoted, {backslash}, value_escape);
  on(value_quoted, {quote}, extension_end);
  on(value_escape, printable, value_quoted);
  on(data_cr, {cr}, data_lf);
  on(data_lf, {lf}, size_start);
  on(trailer_start, {cr}, last_lf);
  on(trailer_start, name, trailer_name);
  on(trailer_name, name, trailer_name);
  on(trailer_name, {colon}, trailer_value);
  on(trailer_value, printable, trailer_value);
  on(trailer_value, {cr}, trailer_lf);
  on(trailer_lf, {lf}, trailer_start);
  on(last_lf, {lf}, done);
  return table;
}

constexpr std::array<kind, 256> kinds = make_kinds();
constexpr transitions next_state = make_transitions();

constexpr std::string_view reason_for(uint8_t from, char byte) noexcept {
  if (byte == '\n') return "a line of the chunked body ends in a bare LF; lines end in CR LF";
  if (from == size_lf || from == data_lf || from == trailer_lf || from == last_lf) {
    return "a carriage return stands alone in the chunked body; lines end in CR LF";
  }
  if (from <= size) return "a chunk size is malformed; it is 1-16 hexadecimal digits, then CR LF";
  if (from <= extension_end) return "a chunk extension is malformed; it is ;name or ;name=value, without blanks";
  if (from == data_cr) return "a chunk is longer than its size; CR LF follows after exactly that many bytes";
  return "a trailer field is malformed; it is a name, a colon and a value";
}

}  // namespace

void body_decoder::start_length(uint64_t length) noexcept {
  chunked_ = false;
  state_ = data;
  remaining_ = length;
  if (length > limits_.body_max_bytes) refuse(413, "the body is too large");
}

void body_decoder::start_chunked() noexcept {
  chunked_ = true;
  state_ = size_start;
  digits_ = 0;
  extension_bytes_ = 0;
  trailer_bytes_ = 0;
  remaining_ = 0;
  received_ = 0;
}

body_decoder::step body_decoder::feed(const char* bytes, size_t count) noexcept {
  return chunked_ ? feed_chunked(bytes, count) : feed_length(bytes, count);
}

body_decoder::step body_decoder::feed_length(const char* bytes, size_t count) noexcept {
  if (state_ == failed) return {parse_status::error, 0, {}};
  const size_t taken = static_cast<size_t>(std::min<uint64_t>(count, remaining_));
  remaining_ -= taken;
  return {remaining_ == 0 ? parse_status::complete : parse_status::need_more, taken, {bytes, taken}};
}

body_decoder::step body_decoder::feed_chunked(const char* bytes, size_t count) noexcept {
  size_t at = 0;
  while (at < count && state_ != done && state_ != failed) {
    if (state_ == data) {
      const size_t taken = static_cast<size_t>(std::min<uint64_t>(count - at, remaining_));
      remaining_ -= taken;
      if (remaining_ == 0) state_ = data_cr;
      return {parse_status::need_more, at + taken, {bytes + at, taken}};
    }
    if (!take(bytes[at])) break;
    ++at;
  }
  if (state_ == failed) return {parse_status::error, at, {}};
  return {state_ == done ? parse_status::complete : parse_status::need_more, at, {}};
}

// One byte of a chunk line or of the trailer section.
bool body_decoder::take(char byte) noexcept {
  const uint8_t from = state_;
  state_ = next_state[from][kinds[static_cast<uint8_t>(byte)]];
  if (state_ == failed) return refuse(400, reason_for(from, byte));
  if (state_ == size) {
    if (++digits_ > 16) return refuse(400, reason_for(from, byte));
    remaining_ = remaining_ * 16 + static_cast<uint64_t>(hex_value(byte));
    return true;
  }
  if (state_ == data) return start_chunk();
  if (state_ == size_start) digits_ = 0;
  if (state_ >= extension_start && state_ <= extension_end && ++extension_bytes_ > limits_.extension_max_bytes) {
    return refuse(400, "the chunk extensions are too large");
  }
  if (state_ >= trailer_start && state_ <= done && ++trailer_bytes_ > limits_.trailer_max_bytes) {
    return refuse(431, "the trailer fields are too large");
  }
  return true;
}

// After the line that holds a chunk's size.
bool body_decoder::start_chunk() noexcept {
  if (remaining_ == 0) state_ = trailer_start;
  if (remaining_ > limits_.body_max_bytes - received_) return refuse(413, "the body is too large");
  received_ += remaining_;
  return true;
}

bool body_decoder::refuse(uint16_t status, std::string_view reason) noexcept {
  state_ = failed;
  error_ = {status, reason};
  return false;
}

}  // namespace fasterapi::http::h1
