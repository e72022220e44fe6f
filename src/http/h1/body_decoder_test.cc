#include "http/h1/body_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fasterapi::http::h1 {
namespace {

struct outcome {
  parse_status status = parse_status::need_more;
  std::string content;
  size_t consumed = 0;
  uint16_t error = 0;

  bool operator==(const outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const outcome& value) {
  return out << static_cast<int>(value.status) << " \"" << value.content << "\" " << value.consumed << " "
             << value.error;
}

// Feeds `body` in pieces that end at `cuts`, each from fresh memory of exactly its size.
outcome feed_pieces(body_decoder& decoder, const std::string& body, const std::vector<size_t>& cuts) {
  outcome result;
  for (const size_t cut : cuts) {
    const std::vector<char> piece(body.begin() + static_cast<std::ptrdiff_t>(result.consumed),
                                  body.begin() + static_cast<std::ptrdiff_t>(cut));
    size_t at = 0;
    for (;;) {
      const body_decoder::step step = decoder.feed(piece.data() + at, piece.size() - at);
      result.status = step.status;
      result.content += step.content;
      at += step.consumed;
      result.consumed += step.consumed;
      if (step.status == parse_status::error) result.error = decoder.error().status;
      if (step.status != parse_status::need_more) return result;
      if (step.consumed == 0 || at == piece.size()) break;
    }
    EXPECT_EQ(at, piece.size()) << "a waiting decoder has taken everything";
  }
  return result;
}

// The outcome of a chunked body, having checked that it is the same however the body is split.
outcome decode(const std::string& body, const body_limits& limits = {}) {
  const auto feed = [&](const std::vector<size_t>& cuts) {
    body_decoder decoder(limits);
    decoder.start_chunked();
    return feed_pieces(decoder, body, cuts);
  };
  outcome whole = feed({body.size()});
  std::vector<size_t> every;
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    every.push_back(cut);
    EXPECT_EQ(feed({cut, body.size()}), whole) << "split at " << cut << " of\n" << body;
  }
  EXPECT_EQ(feed(every), whole) << "byte by byte:\n" << body;
  return whole;
}

uint16_t error_of(const std::string& body, const body_limits& limits = {}) { return decode(body, limits).error; }

outcome complete(const std::string& content, size_t consumed) { return {parse_status::complete, content, consumed, 0}; }

TEST(BodyDecoder, TakesALengthAndNoMore) {
  body_decoder decoder;
  decoder.start_length(5);
  EXPECT_EQ(feed_pieces(decoder, "helloGET /", {3, 10}), complete("hello", 5));
  decoder.start_length(0);
  EXPECT_EQ(feed_pieces(decoder, "GET /", {5}), complete("", 0));
  decoder.start_length(2);
  EXPECT_EQ(feed_pieces(decoder, "h", {0, 1}).status, parse_status::need_more);
}

TEST(BodyDecoder, ViewsTheBytesItWasGiven) {
  body_decoder decoder;
  decoder.start_chunked();
  const std::string body = "3\r\nabc\r\n";
  const body_decoder::step step = decoder.feed(body.data(), body.size());
  EXPECT_EQ(step.content.data(), body.data() + 3);
  EXPECT_EQ(step.content, "abc");
  EXPECT_EQ(step.consumed, 6U);
}

TEST(BodyDecoder, JoinsChunks) {
  EXPECT_EQ(decode("0\r\n\r\n"), complete("", 5));
  EXPECT_EQ(decode("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET"), complete("abc0123456789", 28));
  EXPECT_EQ(decode("0000000000000002\r\n\r\n\r\n000\r\n\r\n"), complete("\r\n", 29));
  EXPECT_EQ(decode("a\r\n0123456789\r\n0\r\n\r\n"), complete("0123456789", 20));
}

TEST(BodyDecoder, WaitsForTheEnd) {
  const std::string body = "3;x=\"y\"\r\nabc\r\n0\r\nA: b\r\n\r\n";
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(decode(body.substr(0, size)).status, parse_status::need_more) << size;
  }
  EXPECT_EQ(decode(body).status, parse_status::complete);
}

TEST(BodyDecoder, SizesAreHexadecimalDigits) {
  for (const char* size : {"", "+1", "-1", "0x1", "1_0", "1 ", " 1", "1\t", "g", "1g", "00000000000000001", "1.0",
                           "\xb9", "1\x01", "1\x0b", "1,", "\"1\""}) {
    EXPECT_EQ(error_of(std::string(size) + "\r\na\r\n0\r\n\r\n"), 400) << size;
  }
  EXPECT_EQ(error_of(std::string("1\0\r\na\r\n0\r\n\r\n", 12)), 400);
}

TEST(BodyDecoder, LinesEndInCrLfOnly) {
  for (const char* body : {"1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\r\n0\n\r\n", "1\r\na\r\n0\r\n\n",
                           "1\ra\r\n0\r\n\r\n", "1\r\na\r0\r\n\r\n", "1\r\r\na\r\n0\r\n\r\n", "1\r\na\r\n0\r\r\n",
                           "1\r\na\r\n0\r\n\rX", "0\r\nA: b\n\r\n", "0\r\nA: b\r\r\n\r\n", "\r\n0\r\n\r\n"}) {
    EXPECT_EQ(error_of(body), 400) << body;
  }
}

TEST(BodyDecoder, ChunksAreAsLongAsTheySay) {
  EXPECT_EQ(error_of("3\r\nabcd\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(error_of("3\r\nab\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(error_of("1\r\na0\r\n\r\n"), 400);
  EXPECT_EQ(error_of("1\r\na\r\n\r\n0\r\n\r\n"), 400);
}

TEST(BodyDecoder, DropsExtensions) {
  for (const char* extension :
       {";a", ";a=b", ";a=\"b\"", ";a=\"\"", ";a=\"b;c=d\\\"e\\\\\";f", ";a;b;c=1", ";a=\" \t\xff\"", ";!#$=~"}) {
    EXPECT_EQ(decode("1" + std::string(extension) + "\r\nx\r\n0" + extension + "\r\n\r\n").content, "x") << extension;
  }
  for (const char* extension :
       {";",           ";;",          ";=",     ";a=",       ";a;",    ";a=b=c",    ";a b",         " ;a",
        "; a",         ";a =b",       ";a= b",  ";a=b ",     ";a=\"b", ";a=\"b\"c", ";a=\"b\r\n\"", ";a=\"\n\"",
        ";a=\"\x01\"", ";a=\"\\\r\"", ";a\x01", ";a=b\"c\"", ";\"a\"", ";a\xff",    ";a=\x7f",      ",a"}) {
    EXPECT_EQ(error_of("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n"), 400) << extension;
  }
}

TEST(BodyDecoder, DropsTrailers) {
  EXPECT_EQ(decode("0\r\nA: b\r\nContent-Length: 5\r\nX:\r\n\r\nGET"), complete("", 34));
  for (const char* trailer :
       {"A", ": b", "A : b", " A: b", "A: b\x01", "A: b\r\n c", "A\x01: b", "\"A\": b", "A: \x7f", "A: b\r c"}) {
    EXPECT_EQ(error_of("0\r\n" + std::string(trailer) + "\r\n\r\n"), 400) << trailer;
  }
}

TEST(BodyDecoder, BoundsContent) {
  const body_limits limits{.body_max_bytes = 10, .extension_max_bytes = 8, .trailer_max_bytes = 8};
  EXPECT_EQ(decode("5\r\nabcde\r\n5\r\nabcde\r\n0\r\n\r\n", limits).content, "abcdeabcde");
  EXPECT_EQ(decode("5\r\nabcde\r\n6\r\n", limits), (outcome{parse_status::error, "abcde", 12, 413}));
  EXPECT_EQ(error_of("ffffffffffffffff\r\n", limits), 413);
  body_decoder decoder(limits);
  decoder.start_length(11);
  EXPECT_EQ(decoder.feed("", 0).status, parse_status::error);
  EXPECT_EQ(decoder.error().status, 413);
  decoder.start_length(10);
  EXPECT_EQ(decoder.feed("0123456789", 10).status, parse_status::complete);
}

TEST(BodyDecoder, BoundsExtensionsOfAllChunksTogether) {
  const body_limits limits{.body_max_bytes = 10, .extension_max_bytes = 8, .trailer_max_bytes = 8};
  EXPECT_EQ(decode("1;a=b\r\nx\r\n0;a=b\r\n\r\n", limits).content, "x");
  EXPECT_EQ(error_of("1;a=b\r\nx\r\n0;a=bc\r\n\r\n", limits), 400);
  EXPECT_EQ(error_of("1;a=\"123456", limits), 400);
}

TEST(BodyDecoder, BoundsTrailers) {
  const body_limits limits{.body_max_bytes = 10, .extension_max_bytes = 8, .trailer_max_bytes = 9};
  EXPECT_EQ(decode("0\r\nA: b\r\n\r\n", limits).status, parse_status::complete);
  EXPECT_EQ(error_of("0\r\nA: bcd\r\n\r\n", limits), 431);
}

TEST(BodyDecoder, StartsAnewAfterAnything) {
  body_decoder decoder;
  decoder.start_chunked();
  EXPECT_EQ(decoder.feed("zz", 2).status, parse_status::error);
  EXPECT_EQ(decoder.feed("0", 1).status, parse_status::error);
  decoder.start_chunked();
  EXPECT_EQ(feed_pieces(decoder, "1;a\r\nx\r\n0\r\n\r\n", {13}), complete("x", 13));
  EXPECT_EQ(decoder.feed("GET", 3).consumed, 0U);
  decoder.start_chunked();
  EXPECT_EQ(feed_pieces(decoder, "1\r\ny\r\n0\r\n\r\n", {11}), complete("y", 11));
}

}  // namespace
}  // namespace fasterapi::http::h1
