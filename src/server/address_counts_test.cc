#include "server/address_counts.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace fasterapi::server {
namespace {

net::address address_of(const std::string& host) { return net::address::resolve(host, 1).value(); }

using outcome = address_counts::outcome;

TEST(AddressCountsTest, BoundsEachAddressByItself) {
  address_counts tested(2, 7);
  const net::address one = address_of("192.0.2.1");
  const net::address other = address_of("192.0.2.2");
  EXPECT_EQ(tested.enter(one), outcome::counted);
  EXPECT_EQ(tested.enter(one), outcome::counted);
  EXPECT_EQ(tested.enter(one), outcome::full);
  EXPECT_EQ(tested.enter(other), outcome::counted);
  tested.leave(one);
  EXPECT_EQ(tested.enter(one), outcome::counted);
  EXPECT_EQ(tested.size(), 2U);
}

TEST(AddressCountsTest, CountsNothingWithoutABound) {
  address_counts tested(0, 7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(tested.enter(address_of("192.0.2.1")), outcome::counted);
  EXPECT_EQ(tested.size(), 0U);
}

TEST(AddressCountsTest, TakesASubscribersNetworkForOneClient) {
  address_counts tested(1, 7);
  EXPECT_EQ(tested.enter(address_of("2001:db8:1:2::1")), outcome::counted);
  EXPECT_EQ(tested.enter(address_of("2001:db8:1:2:ffff::2")), outcome::full);
  EXPECT_EQ(tested.enter(address_of("2001:db8:1:3::1")), outcome::counted);
}

TEST(AddressCountsTest, TakesAMappedAddressForWhatItIs) {
  address_counts tested(1, 7);
  EXPECT_EQ(tested.enter(address_of("192.0.2.1")), outcome::counted);
  EXPECT_EQ(tested.enter(address_of("::ffff:192.0.2.1")), outcome::full);
  EXPECT_EQ(tested.enter(address_of("::ffff:192.0.2.2")), outcome::counted);
}

TEST(AddressCountsTest, AgreesWithAMapOverManyComingsAndGoings) {
  std::mt19937 random(5);
  address_counts tested(3, 11);
  std::map<uint32_t, uint32_t> expected;
  std::vector<uint32_t> connected;
  for (int i = 0; i < 100'000; ++i) {
    net::address client;
    client.v4.sin_family = AF_INET;
    // First many, then few, so that the table grows and thins out.
    const bool comes = connected.empty() || random() % 100 < (i < 50'000 ? 60U : 40U);
    if (comes) {
      client.v4.sin_addr.s_addr = htonl(0x0A000000U + static_cast<uint32_t>(random() % 5000));
      uint32_t& count = expected[client.v4.sin_addr.s_addr];
      ASSERT_EQ(tested.enter(client), count < 3 ? outcome::counted : outcome::full);
      if (count < 3) {
        ++count;
        connected.push_back(client.v4.sin_addr.s_addr);
      }
    } else {
      const size_t which = random() % connected.size();
      client.v4.sin_addr.s_addr = connected[which];
      connected[which] = connected.back();
      connected.pop_back();
      tested.leave(client);
      if (--expected[client.v4.sin_addr.s_addr] == 0) expected.erase(client.v4.sin_addr.s_addr);
    }
    ASSERT_EQ(tested.size(), expected.size());
  }
}

}  // namespace
}  // namespace fasterapi::server
