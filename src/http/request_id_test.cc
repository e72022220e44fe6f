#include "http/request_id.h"

#include <gtest/gtest.h>

#include <string>

#include "http/h1/head_parser.h"

namespace fasterapi::http {
namespace {

TEST(RequestId, OfAClientIsPlainAndShort) {
  for (const std::string_view id : {"a", "7f3a-9", "req_1.2:3/4+5=6@host"}) EXPECT_TRUE(request_id::is_valid(id));
  EXPECT_TRUE(request_id::is_valid(std::string(request_id::max_bytes, 'x')));
  EXPECT_FALSE(request_id::is_valid(std::string(request_id::max_bytes + 1, 'x')));
  for (const std::string_view id : {"", "a b", "a\tb", "a\"b", "a\\b", "a,b", "ä", "a;b", "<a>"}) {
    EXPECT_FALSE(request_id::is_valid(id)) << id;
  }
}

TEST(RequestId, MadeHereIsSixteenDigits) {
  EXPECT_EQ(request_id::of(0x0123'4567'89AB'CDEF).view(), "0123456789abcdef");
  EXPECT_EQ(request_id::of(10).view(), "000000000000000a");
}

request_id of_request(std::string_view fields) {
  const std::string text = "GET / HTTP/1.1\r\nhost: x\r\n" + std::string(fields) + "\r\n";
  h1::head_parser parser{h1::head_limits{}};
  request_head head;
  EXPECT_EQ(parser.feed(text.data(), text.size(), head), h1::parse_status::complete);
  return request_id::of(head, 1);
}

TEST(RequestId, IsTheClientsWhereThatIsOneAndValid) {
  EXPECT_EQ(of_request("X-Request-ID: abc-1\r\n").view(), "abc-1");
  const std::string made(request_id::of(1).view());
  EXPECT_EQ(of_request("").view(), made);
  EXPECT_EQ(of_request("X-Request-ID: a b\r\n").view(), made);
  EXPECT_EQ(of_request("X-Request-ID: a\r\nx-request-id: b\r\n").view(), made);
}

}  // namespace
}  // namespace fasterapi::http
