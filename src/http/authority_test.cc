#include "http/authority.h"

#include <gtest/gtest.h>

namespace fasterapi::http {
namespace {

struct split {
  std::string_view text, host, port;
};

TEST(Authority, SplitsHostAndPort) {
  for (const split& wanted : {
           split{"example.com", "example.com", ""},
           split{"example.com:8080", "example.com", "8080"},
           split{"example.com:", "example.com", ""},
           split{"127.0.0.1:0", "127.0.0.1", "0"},
           split{"a_b-c~d.e:65535", "a_b-c~d.e", "65535"},
           split{"[::1]:80", "[::1]", "80"},
           split{"[::]", "[::]", ""},
           split{"[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", ""},
           split{"[1::8]", "[1::8]", ""},
           split{"[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]", ""},
           split{"[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", ""},
       }) {
    authority got;
    ASSERT_TRUE(parse_authority(wanted.text, got)) << wanted.text;
    EXPECT_EQ(got.host, wanted.host);
    EXPECT_EQ(got.port, wanted.port);
  }
}

TEST(Authority, RefusesEverythingElse) {
  for (const std::string_view text : {
           "",
           ":80",
           "a,b",
           "user@host",
           "user:pass@host",
           "host/path",
           "host?x",
           "host#x",
           "host name",
           "host:8o",
           "host:99999",
           "host:123456",
           "host:-1",
           "host:80:80",
           "a%2fb",
           "a\\b",
           "a\tb",
           "b\xc3\xbc",
           "[",
           "[]",
           "[::1",
           "[:1]",
           "[1:]",
           "[1::2::3]",
           "[1:2:3:4:5:6:7]",
           "[1:2:3:4:5:6:7:8:9]",
           "[1:2:3:4:5:6:7:8::]",
           "[12345::]",
           "[g::]",
           "[::1.2.3]",
           "[::1.2.3.256]",
           "[::1.2.3.04]",
           "[::1.2.3.4.5]",
           "[1.2.3.4]",
           "[::1]x",
           "[::1]80",
           "[fe80::1%25eth0]",
           "[v1.a]",
           "::1",
           "a[::1]",
           "<a>",
           "\"a\"",
       }) {
    authority got;
    EXPECT_FALSE(parse_authority(text, got)) << text;
  }
}

bool same(std::string_view one, std::string_view other) {
  authority a, b;
  EXPECT_TRUE(parse_authority(one, a) && parse_authority(other, b));
  return same_authority(a, b, "80");
}

TEST(Authority, ComparesHostsWithoutCaseAndPortsByValueOrDefault) {
  EXPECT_TRUE(same("Example.COM", "example.com"));
  EXPECT_TRUE(same("a:80", "a"));
  EXPECT_TRUE(same("a:", "a:80"));
  EXPECT_FALSE(same("a:443", "a"));
  EXPECT_FALSE(same("a", "b"));
  EXPECT_FALSE(same("a", "aa"));
}

}  // namespace
}  // namespace fasterapi::http
