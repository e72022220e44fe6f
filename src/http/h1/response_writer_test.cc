#include "http/h1/response_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "http/status.h"

namespace fasterapi::http::h1 {
namespace {

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";

// The head as text, having checked that head_size() told its size.
std::string write(const response_head& head) {
  std::vector<char> bytes(head_size(head));
  EXPECT_EQ(write_head(bytes.data(), head), bytes.size());
  return {bytes.begin(), bytes.end()};
}

TEST(ResponseWriter, WritesAJsonHead) {
  EXPECT_EQ(write({.content_length = 27, .content_type = "application/json", .date = date}),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n"
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
}

TEST(ResponseWriter, WritesTheSameHeadOnEitherPath) {
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{9}, uint64_t{10}, uint64_t{12345}, std::numeric_limits<uint64_t>::max()}) {
    const std::vector<response_field> fields = {{"x", "y"}};
    const response_head plain{.content_length = length, .content_type = "application/json", .date = date};
    response_head general = plain;
    general.fields = fields;
    std::string wanted = write(plain);
    wanted.insert(wanted.size() - 2, "x: y\r\n");
    EXPECT_EQ(write(general), wanted);
  }
}

TEST(ResponseWriter, WritesWhatIsThere) {
  EXPECT_EQ(write({}), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(write({.status = 404, .content_length = 1, .content_type = "text/plain; charset=utf-8"}),
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 1\r\n\r\n");
  EXPECT_EQ(write({.status = 299}), "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
}

TEST(ResponseWriter, TellsWhatHappensToTheConnection) {
  EXPECT_EQ(write({.connection = connection_option::close}),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(write({.connection = connection_option::keep_alive}),
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  EXPECT_EQ(write({.connection = connection_option::close,
                   .content_length = 3,
                   .content_type = "application/json",
                   .date = date}),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n"
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nconnection: close\r\n\r\n");
}

TEST(ResponseWriter, FramesContent) {
  EXPECT_EQ(write({.framing = framing::chunked}), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(write({.framing = framing::close, .connection = connection_option::close}),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
  for (const uint16_t status : std::vector<uint16_t>{101, 103, 204, 304}) {
    for (const framing each : {framing::length, framing::chunked}) {
      const std::string text = write({.status = status, .framing = each, .content_length = 7});
      EXPECT_EQ(text, "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_phrase(status)) + "\r\n\r\n");
    }
  }
}

TEST(ResponseWriter, KeepsItsOwnFieldsToItself) {
  const std::vector<response_field> fields = {{"Content-Length", "9"},
                                              {"transfer-encoding", "chunked"},
                                              {"X-A", ""},
                                              {"Connection", "x"},
                                              {"keep-alive", "timeout=5"},
                                              {"upgrade", "h2c"},
                                              {"set-cookie", "a=b"},
                                              {"set-cookie", "c=d"}};
  EXPECT_EQ(write({.content_length = 2, .fields = fields}),
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-A: \r\nset-cookie: a=b\r\nset-cookie: c=d\r\n\r\n");
}

TEST(ResponseWriter, RefusesFieldsThatWouldSplitTheResponse) {
  EXPECT_TRUE(is_valid_field_name("x-!#$%&'*+.^_`|~9"));
  for (const std::string_view name : {std::string_view(""), std::string_view("a b"), std::string_view("a:"),
                                      std::string_view("a\r"), std::string_view("a\n"), std::string_view("a\0", 2),
                                      std::string_view("\xe9"), std::string_view(" a"), std::string_view("a(")}) {
    EXPECT_FALSE(is_valid_field_name(name)) << name;
  }
  EXPECT_TRUE(is_valid_field_value(""));
  EXPECT_TRUE(is_valid_field_value(" a\tb \xff"));
  for (const std::string_view value :
       {std::string_view("a\r\nb: c"), std::string_view("a\r"), std::string_view("\n"), std::string_view("\0", 1),
        std::string_view("\x7f"), std::string_view("\x1b[0m"), std::string_view("a\x0b")}) {
    EXPECT_FALSE(is_valid_field_value(value)) << value;
  }
  const std::vector<response_field> fields = {{"a", "b"}, {"c", "d\n"}, {"e f", ""}};
  EXPECT_EQ(find_invalid_field(fields), &fields[1]);
  EXPECT_EQ(find_invalid_field(std::span(fields).first(1)), nullptr);
}

TEST(ResponseWriter, WritesChunkHeads) {
  const auto chunk_head = [](uint64_t size) {
    std::vector<char> bytes(chunk_head_max_bytes);
    return std::string(bytes.data(), write_chunk_head(bytes.data(), size));
  };
  EXPECT_EQ(chunk_head(1), "1\r\n");
  EXPECT_EQ(chunk_head(15), "f\r\n");
  EXPECT_EQ(chunk_head(16), "10\r\n");
  EXPECT_EQ(chunk_head(65536), "10000\r\n");
  EXPECT_EQ(chunk_head(std::numeric_limits<uint64_t>::max()), "ffffffffffffffff\r\n");
}

TEST(Status, HasAReasonForEveryRegisteredCode) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Content");
  EXPECT_EQ(reason_phrase(299), "");
  int count = 0;
  for (uint16_t status = 0; status < 1000; ++status) count += reason_phrase(status).empty() ? 0 : 1;
  EXPECT_EQ(count, 62);
  EXPECT_FALSE(allows_content(100) || allows_content(204) || allows_content(304));
  EXPECT_TRUE(allows_content(200) && allows_content(205) && allows_content(500));
}

}  // namespace
}  // namespace fasterapi::http::h1
