#include "core/ring.h"

#include <gtest/gtest.h>

namespace fasterapi::core {
namespace {

TEST(Ring, KeepsOrderWhileItWrapsAndGrows) {
  ring<int> queue;
  int pushed = 0;
  int popped = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 7; ++i) queue.push(pushed++);
    EXPECT_EQ(queue.at(0), popped);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.pop(), popped++);
  }
  EXPECT_EQ(queue.size(), 200U);
  while (!queue.empty()) EXPECT_EQ(queue.pop(), popped++);
  EXPECT_EQ(popped, pushed);
}

}  // namespace
}  // namespace fasterapi::core
