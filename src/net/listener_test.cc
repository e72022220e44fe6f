#include "net/listener.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

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

int connect_to(const address& where) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{0, 200'000};
  setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(made, &where.base, where.size()) == 0) return made;
  ::close(made);
  return -1;
}

TEST(Listener, WhatWaitsOutlivesAnyOfThoseWhoAccept) {
  auto first = listener::open(address::resolve("127.0.0.1", 0).value(), 16);
  ASSERT_TRUE(first.ok());
  auto second = listener::adopt(first.value().socket.get(), 16);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second.value().local.to_string(), first.value().local.to_string());
  const descriptor client(connect_to(second.value().local));
  ASSERT_TRUE(client.valid());
  first.value().socket.reset();
  EXPECT_TRUE(descriptor(::accept(second.value().socket.get(), nullptr, nullptr)).valid());
}

TEST(Listener, ASilencedOneStillHandsOutWhoIsConnected) {
  auto opened = listener::open(address::resolve("127.0.0.1", 0).value(), 16);
  ASSERT_TRUE(opened.ok());
  const int fd = opened.value().socket.get();
  const descriptor early(connect_to(opened.value().local));
  ASSERT_TRUE(early.valid());
  opened.value().silence();
  EXPECT_EQ(connect_to(opened.value().local), -1);
  const descriptor accepted(::accept(fd, nullptr, nullptr));
  ASSERT_TRUE(accepted.valid());
  ASSERT_EQ(::send(early.get(), "x", 1, 0), 1);
  char got;
  EXPECT_EQ(::recv(accepted.get(), &got, 1, 0), 1);

  auto adopted = listener::adopt(fd, 16);
  ASSERT_TRUE(adopted.ok());
  EXPECT_TRUE(descriptor(connect_to(adopted.value().local)).valid());
}

TEST(Address, NamesItself) {
  EXPECT_EQ(address::resolve("::1", 80).value().to_string(), "[::1]:80");
  EXPECT_EQ(address::resolve("127.0.0.1", 8000).value().to_string(), "127.0.0.1:8000");
  EXPECT_FALSE(address::resolve("no such host.invalid", 1).ok());
}

}  // namespace
}  // namespace fasterapi::net
