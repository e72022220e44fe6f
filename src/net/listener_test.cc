#include "net/listener.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace fasterapi::net {
namespace {

TEST(Listener, ListenersShareAReservedPort) {
  auto loopback = address::resolve("127.0.0.1", 0);
  ASSERT_TRUE(loopback.ok());
  auto reserved = listener::reserve(loopback.value());
  ASSERT_TRUE(reserved.ok());
  const address chosen = reserved.value().local;
  EXPECT_NE(chosen.port(), 0);
  auto one = listener::open(chosen, 16);
  auto two = listener::open(chosen, 16);
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(one.value().local.to_string(), two.value().local.to_string());
}

TEST(Listener, SaysThatThePortIsTaken) {
  auto loopback = address::resolve("127.0.0.1", 0);
  descriptor plain(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(plain.get(), &loopback.value().base, loopback.value().size()), 0);
  ASSERT_EQ(::listen(plain.get(), 1), 0);
  auto taken = listener::open(address::of_socket(plain.get()).value(), 16);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.failure().code, std::errc::address_in_use);
}

TEST(Address, NamesItself) {
  EXPECT_EQ(address::resolve("::1", 80).value().to_string(), "[::1]:80");
  EXPECT_EQ(address::resolve("127.0.0.1", 8000).value().to_string(), "127.0.0.1:8000");
  EXPECT_FALSE(address::resolve("no such host.invalid", 1).ok());
}

}  // namespace
}  // namespace fasterapi::net
