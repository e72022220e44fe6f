#include "http/h1/head_parser.h"

#include <algorithm>
#include <cstring>

#include "http/authority.h"
#include "http/characters.h"
#include "http/h1/scan.h"

namespace fasterapi::http::h1 {
namespace {

constexpr std::string_view version_line = "HTTP/1.1\r\n";

bool starts_with(const char* at, std::string_view text) noexcept {
  return std::memcmp(at, text.data(), text.size()) == 0;
}

constexpr slice slice_between(uint32_t first, uint32_t end) noexcept { return {first, end - first}; }

}  // namespace

// The bytes of the message so far, cut at the bound of the section that is being read.
struct head_parser::input {
  const char* begin;
  size_t size;
  const char* at;
  const char* end = nullptr;
  bool is_cut = false;  // the section may not have a byte past `end`

  uint32_t offset() const noexcept { return static_cast<uint32_t>(at - begin); }
  size_t left() const noexcept { return static_cast<size_t>(end - at); }
  void cut(size_t bound) noexcept {
    is_cut = size >= bound;
    end = begin + std::min(size, bound);
  }
};

head_parser::head_parser(const head_limits& limits) noexcept : limits_(limits) {
  constexpr uint32_t bytes_max = uint32_t{1} << 30;  // keeps every offset within 32 bits
  limits_.request_line_max_bytes = std::clamp(limits_.request_line_max_bytes, 16U, bytes_max);
  limits_.header_max_bytes = std::min(limits_.header_max_bytes, bytes_max);
  limits_.header_max_count = std::min(limits_.header_max_count, max_header_fields);
}

void head_parser::reset() noexcept {
  at_ = 0;
  mark_ = 0;
  section_ = 0;
  phase_ = phase::start;
}

parse_status head_parser::feed(const char* data, size_t size, request_head& head) noexcept {
  head.base = data;
  input in{data, size, data + at_};
  if (phase_ < phase::line_start) {
    in.cut(size_t{section_} + limits_.request_line_max_bytes);
    const parse_status status = parse_request_line(in, head);
    if (status != parse_status::complete) return status;
  }
  in.cut(size_t{section_} + limits_.header_max_bytes);
  return parse_fields(in, head);
}

parse_status head_parser::wait_for_more(const input& in) noexcept {
  if (!in.is_cut) {
    at_ = in.offset();
    return parse_status::need_more;
  }
  if (phase_ < phase::line_start) return refuse(414, "the request line is too long");
  return refuse(431, "the header fields are too large");
}

parse_status head_parser::refuse(uint16_t status, std::string_view reason) noexcept {
  phase_ = phase::failed;
  error_ = {status, reason};
  return parse_status::error;
}

parse_status head_parser::parse_request_line(input& in, request_head& head) noexcept {
  parse_status status = parse_status::complete;
  switch (phase_) {
    case phase::start:
      status = parse_start(in, head);
      if (status != parse_status::complete) return status;
      [[fallthrough]];
    case phase::method:
      status = parse_method(in, head);
      if (status != parse_status::complete) return status;
      [[fallthrough]];
    case phase::path:
    case phase::query:
      status = parse_target(in, head);
      if (status != parse_status::complete) return status;
      [[fallthrough]];
    default:
      return parse_version(in, head);
  }
}

parse_status head_parser::parse_start(input& in, request_head& head) noexcept {
  if (in.left() == 0) return wait_for_more(in);
  if (*in.at == '\r') {
    if (in.left() < 2) return wait_for_more(in);
    if (in.at[1] != '\n') return refuse(400, "a carriage return stands alone; lines end in CR LF");
    in.at += 2;
    if (in.left() == 0) {
      in.at -= 2;
      return wait_for_more(in);
    }
  }
  section_ = in.offset();
  in.cut(size_t{section_} + limits_.request_line_max_bytes);
  mark_ = section_;
  phase_ = phase::method;
  fields_.reset();
  head.method = method::other;
  head.version_minor = 1;
  head.keep_alive = true;
  head.chunked = false;
  head.has_content_length = false;
  head.expect_continue = false;
  head.has_upgrade = false;
  head.content_length = 0;
  head.authority = {};
  head.query = {};
  head.field_count = 0;
  return parse_status::complete;
}

parse_status head_parser::parse_method(input& in, request_head& head) noexcept {
  if (in.left() >= 4 && starts_with(in.at, "GET ") && in.offset() == mark_) {
    head.method = method::get;
    in.at += 3;
  } else {
    in.at = scan_token(in.at, in.end);
    if (in.left() == 0) return wait_for_more(in);
    head.method = method_from({in.begin + mark_, in.offset() - mark_});
  }
  if (*in.at != ' ' || in.offset() == mark_) {
    return refuse(400, "the request line is malformed; it starts with a method and one space");
  }
  head.method_token = slice_between(mark_, in.offset());
  ++in.at;
  mark_ = in.offset();
  phase_ = phase::path;
  return parse_status::complete;
}

parse_status head_parser::parse_target(input& in, request_head& head) noexcept {
  if (phase_ == phase::path) {
    in.at = scan<path_end>(in.begin, in.at, in.end);
    if (in.left() == 0) return wait_for_more(in);
    head.path = slice_between(mark_, in.offset());
    if (*in.at == '?') {
      ++in.at;
      phase_ = phase::query;
    }
  }
  const uint32_t query_start = head.path.offset + head.path.length + 1;
  if (phase_ == phase::query) {
    in.at = scan<query_end>(in.begin, in.at, in.end);
    if (in.left() == 0) return wait_for_more(in);
    head.query = slice_between(query_start, in.offset());
  }
  head.target = slice_between(mark_, in.offset());
  if (*in.at != ' ') {
    if (*in.at == '#') return refuse(400, "the request target has a fragment; leave it out");
    if (*in.at == '\r' || *in.at == '\n')
      return refuse(400, "the request line ends early; it is method, target, version");
    return refuse(400, "the request target has a byte that is not visible ASCII; percent-encode it");
  }
  const parse_status status = interpret_target(head);
  if (status != parse_status::complete) return status;
  ++in.at;
  phase_ = phase::version;
  return parse_status::complete;
}

parse_status head_parser::interpret_target(request_head& head) noexcept {
  const std::string_view target = head.view(head.target);
  if (head.method == method::connect) [[unlikely]] {
    authority named;
    if (!parse_authority(target, named) || named.port.empty()) {
      return refuse(400, "the request target of CONNECT is malformed; it is host:port");
    }
    return refuse(501, "CONNECT is not implemented");
  }
  if (target.starts_with('/')) [[likely]]
    return parse_status::complete;
  if (target == "*" && head.method == method::options) return parse_status::complete;
  return interpret_absolute_target(head);
}

parse_status head_parser::interpret_absolute_target(request_head& head) noexcept {
  const std::string_view path = head.view(head.path);
  size_t scheme_size = 0;
  if (equals_ignoring_case(path.substr(0, 7), "http://")) scheme_size = 7;
  if (equals_ignoring_case(path.substr(0, 8), "https://")) scheme_size = 8;
  if (scheme_size == 0) return refuse(400, "the request target is malformed; it is a path or an http or https URI");
  const std::string_view name = path.substr(scheme_size, path.find('/', scheme_size) - scheme_size);
  authority named;
  if (!parse_authority(name, named)) {
    return refuse(400, "the request target names no valid host; it is one host name or IP address, and perhaps :port");
  }
  head.authority = {head.target.offset + static_cast<uint32_t>(scheme_size), static_cast<uint32_t>(name.size())};
  const uint32_t path_start = head.authority.offset + head.authority.length;
  const uint32_t path_end = head.path.offset + head.path.length;
  // An empty path is "/"; the scheme's second slash lends its byte.
  head.path = path_start == path_end ? slice{head.authority.offset - 1, 1} : slice_between(path_start, path_end);
  return parse_status::complete;
}

parse_status head_parser::parse_version(input& in, request_head& head) noexcept {
  if (in.left() >= version_line.size() && starts_with(in.at, version_line)) [[likely]] {
    in.at += version_line.size();
  } else {
    const parse_status status = parse_version_slowly(in, head);
    if (status != parse_status::complete) return status;
  }
  section_ = in.offset();
  phase_ = phase::line_start;
  return parse_status::complete;
}

// Everything but HTTP/1.1 in one piece; looks at the whole version again each time.
parse_status head_parser::parse_version_slowly(input& in, request_head& head) noexcept {
  const size_t left = std::min(in.left(), version_line.size());
  for (size_t i = 0; i < left; ++i) {
    const char byte = in.at[i];
    const bool is_number = i == 5 || i == 7;
    if (is_number ? !is_in(char_class::digit, byte) : byte != version_line[i]) {
      if (i == 8 && byte == '\n') return refuse(400, "the request line ends in a bare LF; lines end in CR LF");
      return refuse(400, "the request line is malformed; it ends in one space, HTTP/1.1 and CR LF");
    }
    if (i == 7 && (in.at[5] != '1' || byte > '1')) {
      return refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0 here");
    }
  }
  if (left < version_line.size()) return wait_for_more(in);
  head.version_minor = static_cast<uint8_t>(in.at[7] - '0');
  in.at += version_line.size();
  return parse_status::complete;
}

parse_status head_parser::parse_fields(input& in, request_head& head) noexcept {
  parse_status status = parse_status::complete;
  for (;;) {
    switch (phase_) {
      case phase::line_start:
        if (in.left() == 0) return wait_for_more(in);
        if (*in.at == '\r') return parse_last_line(in, head);
        if (head.field_count == limits_.header_max_count) return refuse(431, "there are too many header fields");
        mark_ = in.offset();
        phase_ = phase::name;
        [[fallthrough]];
      case phase::name:
        status = parse_name(in, head);
        if (status != parse_status::complete) return status;
        phase_ = phase::blank;
        [[fallthrough]];
      case phase::blank:
        while (in.left() != 0 && is_blank(*in.at)) ++in.at;
        if (in.left() == 0) return wait_for_more(in);
        mark_ = in.offset();
        phase_ = phase::value;
        [[fallthrough]];
      case phase::value:
        status = parse_value(in, head);
        if (status != parse_status::complete) return status;
        phase_ = phase::line_start;
        break;
      default:
        return parse_status::error;
    }
  }
}

parse_status head_parser::parse_name(input& in, request_head& head) noexcept {
  in.at = scan_token(in.at, in.end);
  if (in.left() == 0) return wait_for_more(in);
  if (*in.at != ':' || in.offset() == mark_) {
    if (in.offset() == mark_ && is_blank(*in.at)) {
      return refuse(400, "a header field is folded over two lines; write it on one");
    }
    if (is_blank(*in.at))
      return refuse(400, "a header field has a blank in its name or before the colon; leave it out");
    if (*in.at == '\n') return refuse(400, "a header line ends in a bare LF; lines end in CR LF");
    return refuse(400, "a header field is malformed; it is a name, a colon and a value");
  }
  header_field& field = head.fields[head.field_count];
  field.name = slice_between(mark_, in.offset());
  field.id = identify_field(head.view(field.name));
  ++in.at;
  return parse_status::complete;
}

parse_status head_parser::parse_value(input& in, request_head& head) noexcept {
  in.at = scan<field_value_end>(in.begin, in.at, in.end);
  if (in.left() == 0) return wait_for_more(in);
  if (*in.at != '\r') {
    if (*in.at == '\n') return refuse(400, "a header line ends in a bare LF; lines end in CR LF");
    return refuse(400, "a header value has a control character; it is visible text and blanks");
  }
  if (in.left() < 2) return wait_for_more(in);
  if (in.at[1] != '\n') return refuse(400, "a carriage return stands alone; lines end in CR LF");
  uint32_t value_end = in.offset();
  while (value_end > mark_ && is_blank(in.begin[value_end - 1])) --value_end;
  header_field& field = head.fields[head.field_count++];
  field.value = slice_between(mark_, value_end);
  in.at += 2;
  if (field.id != field_id::other && !fields_.add(field, head)) {
    return refuse(fields_.error().status, fields_.error().reason);
  }
  return parse_status::complete;
}

parse_status head_parser::parse_last_line(input& in, request_head& head) noexcept {
  if (in.left() < 2) return wait_for_more(in);
  if (in.at[1] != '\n') return refuse(400, "a carriage return stands alone; lines end in CR LF");
  in.at += 2;
  if (!fields_.finish(head)) return refuse(fields_.error().status, fields_.error().reason);
  head.size = in.offset();
  return parse_status::complete;
}

}  // namespace fasterapi::http::h1
