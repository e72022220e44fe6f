#include "http/h1/head_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fasterapi::http::h1 {
namespace {

// Everything a caller can see of an outcome, as text.
std::string describe(parse_status status, const head_parser& parser, const request_head& head) {
  if (status == parse_status::need_more) return "more";
  if (status == parse_status::error)
    return std::to_string(parser.error().status) + " " + std::string(parser.error().reason);
  std::string text(head.view(head.method_token));
  text += " target=" + std::string(head.view(head.target)) + " path=" + std::string(head.view(head.path));
  text += " query=" + std::string(head.view(head.query)) + " authority=" + std::string(head.view(head.authority));
  text += " version=1." + std::to_string(head.version_minor) + " size=" + std::to_string(head.size);
  if (head.keep_alive) text += " keep-alive";
  if (head.chunked) text += " chunked";
  if (head.has_content_length) text += " length=" + std::to_string(head.content_length);
  if (head.expect_continue) text += " continue";
  if (head.has_upgrade) text += " upgrade";
  for (uint32_t i = 0; i < head.field_count; ++i) {
    const header_field& field = head.fields[i];
    text += "\n" + std::string(head.view(field.name)) + "=" + std::string(head.view(field.value));
    text += "#" + std::to_string(static_cast<int>(field.id));
  }
  return text;
}

// Feeds the first cuts[0], then cuts[1]... bytes of `message`, each time from fresh memory of exactly that size.
std::string feed_pieces(const std::string& message, const std::vector<size_t>& cuts, const head_limits& limits) {
  head_parser parser(limits);
  auto head = std::make_unique<request_head>();
  std::vector<char> bytes;
  parse_status status = parse_status::need_more;
  for (const size_t cut : cuts) {
    bytes = std::vector<char>(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(cut));
    status = parser.feed(bytes.data(), bytes.size(), *head);
    if (status != parse_status::need_more) break;
  }
  return describe(status, parser, *head);
}

// The outcome of `message`, having checked that it is the same however the message is split.
std::string parse(const std::string& message, const head_limits& limits = {}) {
  std::string whole = feed_pieces(message, {message.size()}, limits);
  std::vector<size_t> every;
  for (size_t cut = 0; cut <= message.size(); ++cut) {
    every.push_back(cut);
    EXPECT_EQ(feed_pieces(message, {cut, message.size()}, limits), whole) << "split at " << cut << " of\n" << message;
  }
  EXPECT_EQ(feed_pieces(message, every, limits), whole) << "byte by byte:\n" << message;
  return whole;
}

std::string status_of(const std::string& message, const head_limits& limits = {}) {
  return parse(message, limits).substr(0, 3);
}

std::string with_fields(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
std::string with_target(const std::string& target, const std::string& method = "GET") {
  return method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(HeadParser, ReadsASmallRequest) {
  EXPECT_EQ(parse("GET /a?b=c HTTP/1.1\r\nHost: x.y:80\r\n\r\nrest"),
            "GET target=/a?b=c path=/a query=b=c authority=x.y:80 version=1.1 size=37 keep-alive\nHost=x.y:80#1");
}

TEST(HeadParser, ReadsABrowsersRequest) {
  const std::string text = parse(
      "POST /api/items/1234567890?filter=%7B%22a%22%3A1%7D&sort=-created HTTP/1.1\r\n"
      "Host: api.example.com\r\n"
      "Connection: keep-alive\r\n"
      "Content-Length: 18\r\n"
      "sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\"\r\n"
      "Content-Type: application/json\r\n"
      "Upgrade-Insecure-Requests: 1\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n"
      "Accept-Encoding: gzip, deflate, br\r\n"
      "X_Odd.Name!#$%&'*+^`|~: v\r\n"
      "Cookie: a=b; c=d\r\n\r\n{\"a\":1}");
  EXPECT_TRUE(
      text.starts_with("POST target=/api/items/1234567890?filter=%7B%22a%22%3A1%7D&sort=-created "
                       "path=/api/items/1234567890 query=filter=%7B%22a%22%3A1%7D&sort=-created "
                       "authority=api.example.com version=1.1 size="));
  EXPECT_TRUE(contains(text, " keep-alive length=18\n"));
  EXPECT_TRUE(contains(text, "\nX_Odd.Name!#$%&'*+^`|~=v#0"));
  EXPECT_TRUE(contains(text, "\nUpgrade-Insecure-Requests=1#0"));
  EXPECT_TRUE(text.ends_with("\nCookie=a=b; c=d#7"));
}

TEST(HeadParser, TrimsBlanksAroundValuesAndKeepsThoseWithin) {
  const std::string text = parse(with_fields("A:\t  b \t c\t \r\nE:\r\nF:   \r\nG:\xff\x80z\r\n"));
  EXPECT_TRUE(contains(text, "\nA=b \t c#0\nE=#0\nF=#0\nG=\xff\x80z#0"));
}

TEST(HeadParser, KnowsItsFieldsInAnyCase) {
  const std::string text = parse(
      "POST / HTTP/1.1\r\nhOST: a\r\nTRANSFER-ENCODING: Chunked\r\nConnection: TE\r\nExpect: 100-Continue\r\n"
      "te: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\ncontent-TYPE: t\r\nCOOKIE: c\r\n\r\n");
  EXPECT_TRUE(contains(text, " keep-alive chunked continue upgrade\n"));
  EXPECT_TRUE(contains(text,
                       "\nhOST=a#1\nTRANSFER-ENCODING=Chunked#4\nConnection=TE#5\nExpect=100-Continue#6"
                       "\nte=trailers#9\nTrailer=x#10\nUpgrade=h2c#8\ncontent-TYPE=t#3\nCOOKIE=c#7"));
}

TEST(HeadParser, DoesNotTakeOtherNamesForItsOwn) {
  const std::string text =
      parse(with_fields("Hos_: a,b\r\nContent_Length: x\r\nContent-Lengtg: x\r\nTransfer_Encoding: x\r\n"
                        "Transfer-Encodinh: x\r\nT!: x\r\nCookif: x\r\nExpecs: y\r\n"));
  EXPECT_TRUE(contains(text, "\nHos_=a,b#0\nContent_Length=x#0\nContent-Lengtg=x#0\nTransfer_Encoding=x#0\n"));
}

TEST(HeadParser, MethodsAreTokens) {
  for (const char* method :
       {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "PROPFIND", "M-SEARCH", "!"}) {
    EXPECT_TRUE(parse(with_target("/", method)).starts_with(std::string(method) + " target=/")) << method;
  }
  for (const char* method : {"", "G(T", "G\tT", "G\x01T", "G:", "\"GET\"", "G\xc3\xa9T"}) {
    EXPECT_EQ(status_of(with_target("/", method)), "400") << method;
  }
  EXPECT_EQ(status_of("GET\r\n\r\n"), "400");
  EXPECT_EQ(status_of(" GET / HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status_of("\x16\x03\x01\x02"), "400");
}

TEST(HeadParser, AcceptsOneEmptyLineBeforeTheRequest) {
  EXPECT_TRUE(contains(parse("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "size=29 "));
  EXPECT_EQ(status_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "400");
  EXPECT_EQ(status_of("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "400");
  EXPECT_EQ(status_of("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "400");
  EXPECT_EQ(parse("\r\n"), "more");
  EXPECT_EQ(parse(""), "more");
}

TEST(HeadParser, WaitsForTheEnd) {
  const std::string message = "GET /x?y HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
  for (size_t size = 0; size < message.size(); ++size) EXPECT_EQ(parse(message.substr(0, size)), "more") << size;
  EXPECT_NE(parse(message), "more");
}

TEST(HeadParser, Versions) {
  EXPECT_TRUE(contains(parse("GET / HTTP/1.0\r\n\r\n"), " version=1.0 size=18"));
  for (const char* version : {"HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "HTTP/3.0"}) {
    EXPECT_EQ(status_of("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"), "505") << version;
  }
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400");
  for (const char* version :
       {"", "HTTP/1.1 ", "HTTP/1", "HTTP/1.", "HTTP/11", "http/1.1", "HTTP/a.1", "HTTP/1.x", "HTTPS/1.1", "HTTP/1.10",
        "HTTP/ 1.1", " HTTP/1.1", "XHTTP/1.1", "HTTP\\1.1", "HTTP/1,1"}) {
    EXPECT_EQ(status_of("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"), "400") << version;
  }
}

TEST(HeadParser, LinesEndInCrLfOnly) {
  for (const char* message :
       {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\rHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\rX",
        "GET /\r\n", "GET /\n", "GET / \r\n\r\n"}) {
    EXPECT_EQ(status_of(message), "400") << message;
  }
}

TEST(HeadParser, TargetForms) {
  EXPECT_TRUE(contains(parse(with_target("/")), "path=/ query= "));
  EXPECT_TRUE(contains(parse(with_target("//a//b")), "path=//a//b query= "));
  EXPECT_TRUE(contains(parse(with_target("/?")), "target=/? path=/ query= "));
  EXPECT_TRUE(contains(parse(with_target("/a?b?c/d[]{}|^`\"<>\\")), "path=/a query=b?c/d[]{}|^`\"<>\\ "));
  EXPECT_TRUE(contains(parse(with_target("*", "OPTIONS")), "path=* "));
  for (const char* target :
       {"*", "a", "?x", "a/b", "a:80", "", "ftp://a/", "mailto:a@b", "http:/a", "http:a", "https//a"}) {
    EXPECT_EQ(status_of(with_target(target)), "400") << target;
  }
  EXPECT_EQ(status_of(with_target("*x", "OPTIONS")), "400");
  EXPECT_EQ(status_of(with_target("*?x", "OPTIONS")), "400");
}

TEST(HeadParser, TargetBytes) {
  for (const char* target : {"/a#b", "/a?b#c", "/a b", "/a\tb", "/\x01", "/\x7f", "/caf\xc3\xa9", "/?\xff", "/a\x0b"}) {
    EXPECT_EQ(status_of(with_target(target)), "400") << target;
  }
  EXPECT_EQ(status_of(with_target(std::string("/a\0b", 4))), "400");
}

TEST(HeadParser, AbsoluteTargetsNameTheServer) {
  EXPECT_TRUE(contains(parse(with_target("http://a/b?c")), "path=/b query=c authority=a "));
  EXPECT_TRUE(contains(parse(with_target("HTTP://A")), "path=/ query= authority=A "));
  EXPECT_TRUE(contains(parse(with_target("http://a?x=1")), "path=/ query=x=1 authority=a "));
  EXPECT_TRUE(contains(parse(with_target("https://a:443/")), "path=/ query= authority=a:443 "));
  EXPECT_TRUE(contains(parse(with_target("http://a:80/")), "authority=a:80 "));
  EXPECT_TRUE(contains(parse("GET http://a/ HTTP/1.0\r\n\r\n"), "authority=a "));
  for (const char* target :
       {"http://b/", "http://a:81/", "https://a:80/", "http://", "http:///x", "http://u@a/", "http://a,b/"}) {
    EXPECT_EQ(status_of(with_target(target)), "400") << target;
  }
}

TEST(HeadParser, ConnectIsNotImplemented) {
  EXPECT_EQ(status_of(with_target("a:443", "CONNECT")), "501");
  for (const char* target : {"/", "a", "http://a/", "a:443?x", "*"}) {
    EXPECT_EQ(status_of(with_target(target, "CONNECT")), "400") << target;
  }
}

TEST(HeadParser, FieldNamesAreTokensRightBeforeTheColon) {
  for (const char* line :
       {"A : b", "A\t: b", " A: b", "\tA: b", ": b", "A", "A b: c", "A\x01: b", "A(: b", "A\xc3\xa9: b", "A/b: c",
        "Host : a", "\"A\": b", "{a}: b", "Averyveryverylongname : b", "Averyveryverylongname\x7f: b"}) {
    EXPECT_EQ(status_of(with_fields(std::string(line) + "\r\n")), "400") << line;
  }
  EXPECT_EQ(status_of(with_fields(std::string("A\0: b\r\n", 7))), "400");
}

TEST(HeadParser, ValuesHaveNoControlCharactersAndDoNotFold) {
  for (const char* line : {"A: b\x01", "A: \x7f", "A: b\x0b", "A: b\x0c", "A: b\x1b[1m", "A: b\r c", "A: b\r\n c",
                           "A: b\r\n\tc", "A:\r\n b"}) {
    EXPECT_EQ(status_of(with_fields(std::string(line) + "\r\n")), "400") << line;
  }
  EXPECT_EQ(status_of(with_fields(std::string("A: b\0c\r\n", 8))), "400");
}

TEST(HeadParser, HostIsOneAuthority) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: y\r\n\r\n"), "400");
  EXPECT_EQ(status_of(with_fields("Host: a\r\n")), "400");
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), "400");
  for (const char* host : {"", "a,b", "a, a", "u@a", "a/b", "a?b", "a#b", "a b", "a:b", "a:80:80", "[::1", "http://a",
                           "a\\b", "a:99999"}) {
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), "400") << host;
    EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: " + std::string(host) + "\r\n\r\n"), "400") << host;
  }
  EXPECT_TRUE(contains(parse("GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"), "authority=[::1]:8000 "));
}

TEST(HeadParser, ContentLengthIsOneDecimalNumber) {
  EXPECT_TRUE(contains(parse(with_fields("Content-Length: 0\r\n")), " length=0\n"));
  EXPECT_TRUE(contains(parse(with_fields("Content-Length: \t007 \r\n")), " length=7\n"));
  EXPECT_TRUE(contains(parse(with_fields("Content-Length: 9223372036854775807\r\n")), " length=9223372036854775807\n"));
  for (const char* length : {"",
                             "+1",
                             "-1",
                             "0x1",
                             "1_0",
                             "1 0",
                             "1,1",
                             "1, 1",
                             ",1",
                             "1,",
                             "1.0",
                             "1e3",
                             "a",
                             "9223372036854775808",
                             "18446744073709551617",
                             "99999999999999999999999999",
                             "00000000000000000001",
                             "\xc2\xb9",
                             "\"1\"",
                             "1;a"}) {
    EXPECT_EQ(status_of(with_fields("Content-Length: " + std::string(length) + "\r\n")), "400") << length;
  }
  EXPECT_EQ(status_of(with_fields("Content-Length: 1\r\nContent-Length: 1\r\n")), "400");
  EXPECT_EQ(status_of(with_fields("Content-Length: 1\r\ncontent-length: 2\r\n")), "400");
}

TEST(HeadParser, TransferEncodingIsChunkedOnly) {
  EXPECT_TRUE(contains(parse(with_fields("Transfer-Encoding:chunked \r\n")), " chunked\n"));
  for (const char* coding :
       {"gzip", "identity", "xchunked", "gzip, chunked", "gzip,chunked", "chunkedx", "deflate,gzip"}) {
    EXPECT_EQ(status_of(with_fields("Transfer-Encoding: " + std::string(coding) + "\r\n")), "501") << coding;
  }
  for (const char* coding : {"", ",", "chunked,", ",chunked", "chunked, chunked", "chunked, gzip", "chunked chunked",
                             "chunked;q=1", "\"chunked\"", "ch\tunked", "chunked\x0b", "chunked\x0c", "gzip,,chunked",
                             "gzip, chunked, chunked", "gzip;a"}) {
    EXPECT_EQ(status_of(with_fields("Transfer-Encoding: " + std::string(coding) + "\r\n")), "400") << coding;
  }
  EXPECT_EQ(status_of(with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), "400");
  EXPECT_EQ(status_of(with_fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")), "400");
  EXPECT_EQ(status_of(with_fields("Transfer-Encoding:\r\n chunked\r\n")), "400");
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), "400");
}

TEST(HeadParser, LengthAndCodingExcludeEachOther) {
  for (const char* coding : {"chunked", "gzip", "identity"}) {
    const std::string line = "Transfer-Encoding: " + std::string(coding) + "\r\n";
    EXPECT_EQ(status_of(with_fields("Content-Length: 5\r\n" + line)), "400") << coding;
    EXPECT_EQ(status_of(with_fields(line + "Content-Length: 5\r\n")), "400") << coding;
  }
}

TEST(HeadParser, ConnectionOptions) {
  const auto keeps = [](const std::string& version, const std::string& line) {
    return contains(parse("GET / HTTP/" + version + "\r\nHost: a\r\n" + line + "\r\n"), " keep-alive");
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.1", "Connection: upgrade\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: te ,\tclose, x\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
  EXPECT_TRUE(keeps("1.1", "Connection: closed, not-close\r\n"));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
  EXPECT_FALSE(keeps("1.0", "Connection: keep-alive, close\r\n"));
  EXPECT_TRUE(keeps("1.0", "Connection: ,x\r\nConnection: keep-alive,\r\n"));
}

TEST(HeadParser, ExpectationsOtherThanContinueFail) {
  EXPECT_TRUE(contains(parse(with_fields("Expect: 100-continue\r\n")), " continue"));
  EXPECT_EQ(status_of(with_fields("Expect: 200-ok\r\n")), "417");
  EXPECT_EQ(status_of(with_fields("Expect: \r\n")), "417");
  EXPECT_FALSE(contains(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), " continue"));
}

TEST(HeadParser, BoundsTheRequestLine) {
  const head_limits limits{.request_line_max_bytes = 40, .header_max_bytes = 200, .header_max_count = 3};
  const std::string rest = " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_NE(status_of("GET /" + std::string(24, 'a') + rest, limits), "414");  // 40 with its line end
  EXPECT_EQ(status_of("GET /" + std::string(25, 'a') + rest, limits), "414");
  EXPECT_EQ(status_of("\r\nGET /" + std::string(25, 'a') + rest, limits), "414");
  EXPECT_NE(status_of("\r\nGET /" + std::string(24, 'a') + rest, limits), "414");
  EXPECT_EQ(status_of("GET /?" + std::string(34, 'a'), limits), "414");
  EXPECT_EQ(status_of("GET /?" + std::string(33, 'a'), limits), "mor");
  EXPECT_EQ(status_of(std::string(40, 'A'), limits), "414");
}

TEST(HeadParser, BoundsTheFields) {
  const head_limits limits{.request_line_max_bytes = 40, .header_max_bytes = 50, .header_max_count = 3};
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(status_of(start + "A: " + std::string(34, 'a') + "\r\n\r\n", limits), "GET");  // 50 bytes of fields
  EXPECT_EQ(status_of(start + "A: " + std::string(35, 'a') + "\r\n\r\n", limits), "431");
  EXPECT_EQ(status_of(start + std::string(41, 'a'), limits), "431");
  EXPECT_EQ(status_of(start + "A:" + std::string(39, ' '), limits), "431");
  EXPECT_EQ(status_of(start + "B:\r\nC:\r\n\r\n", limits), "GET");
  EXPECT_EQ(status_of(start + "B:\r\nC:\r\nD", limits), "431");
}

TEST(HeadParser, HoldsItsDefaultBounds) {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "a:\r\n";
  EXPECT_EQ(status_of(with_fields(fields)), "GET");
  EXPECT_EQ(status_of(with_fields(fields + "a:\r\n")), "431");
  EXPECT_EQ(feed_pieces(with_fields("A: " + std::string(65536, 'a') + "\r\n"), {66000}, {}).substr(0, 3), "431");
  EXPECT_EQ(feed_pieces("GET /" + std::string(8192, 'a'), {8192}, {}).substr(0, 3), "414");
}

TEST(HeadParser, StartsAnewAfterReset) {
  head_parser parser{head_limits{}};
  request_head head;
  const std::string first =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
  const std::string second = "GET /two HTTP/1.1\r\nHost: b\r\n\r\n";
  ASSERT_EQ(parser.feed(first.data(), first.size(), head), parse_status::complete);
  parser.reset();
  ASSERT_EQ(parser.feed(second.data(), second.size(), head), parse_status::complete);
  EXPECT_EQ(describe(parse_status::complete, parser, head),
            "GET target=/two path=/two query= authority=b version=1.1 size=" + std::to_string(second.size()) +
                " keep-alive\nHost=b#1");
  parser.reset();
  const std::string bad = "nonsense\r\n";
  ASSERT_EQ(parser.feed(bad.data(), bad.size(), head), parse_status::error);
  ASSERT_EQ(parser.feed(bad.data(), bad.size(), head), parse_status::error);
  parser.reset();
  EXPECT_EQ(parser.feed(second.data(), second.size(), head), parse_status::complete);
}

}  // namespace
}  // namespace fasterapi::http::h1
