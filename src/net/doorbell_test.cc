#include "net/doorbell.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

namespace fasterapi::net {
namespace {

bool rings(const doorbell& at, int timeout_ms) {
  pollfd watched{at.fd(), POLLIN, 0};
  return ::poll(&watched, 1, timeout_ms) == 1;
}

TEST(DoorbellTest, RingsUntilSomebodyHasTakenNote) {
  const doorbell tested;
  ASSERT_TRUE(tested.valid());
  EXPECT_FALSE(rings(tested, 0));
  tested.still();
  tested.ring();
  tested.ring();
  EXPECT_TRUE(rings(tested, 0));
  EXPECT_TRUE(rings(tested, 0));
  tested.still();
  EXPECT_FALSE(rings(tested, 0));
}

TEST(DoorbellTest, WakesAThreadThatWaits) {
  const doorbell tested;
  std::thread visitor([&tested] { tested.ring(); });
  EXPECT_TRUE(rings(tested, 20'000));
  visitor.join();
}

}  // namespace
}  // namespace fasterapi::net
