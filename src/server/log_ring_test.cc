#include "server/log_ring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>

namespace fasterapi::server {
namespace {

TEST(LogRing, GivesLinesInTheirOrder) {
  log_ring ring(256);
  EXPECT_TRUE(ring.front().lines.empty());
  ASSERT_TRUE(ring.push(1, "one\n"));
  ASSERT_TRUE(ring.push(2, "two\n"));
  EXPECT_EQ(ring.front().lines, "one\n");
  EXPECT_EQ(ring.front().to, 1);
  ring.pop();
  EXPECT_EQ(ring.front().lines, "two\n");
  EXPECT_EQ(ring.front().to, 2);
  ring.pop();
  EXPECT_TRUE(ring.empty());
}

TEST(LogRing, TakesNoMoreThanItHolds) {
  log_ring ring(256);
  const std::string line(50, 'x');
  int taken = 0;
  while (ring.push(1, line)) ++taken;
  EXPECT_EQ(taken, 4);  // of 64 bytes each
  EXPECT_FALSE(ring.push(1, std::string(300, 'x')));
  ring.pop();
  EXPECT_TRUE(ring.push(1, line));
  EXPECT_FALSE(ring.push(1, line));
}

TEST(LogRing, KeepsLinesWholeAtItsEnd) {
  log_ring ring(256);
  std::string expected;
  for (int round = 0; round < 100; ++round) {
    const std::string line = std::to_string(round) + std::string(static_cast<size_t>(round % 90), '.') + '\n';
    ASSERT_TRUE(ring.push(1, line)) << round;
    ASSERT_EQ(ring.front().lines, line);
    ring.pop();
    ASSERT_TRUE(ring.empty());
  }
}

TEST(LogRing, PassesLinesBetweenThreads) {
  constexpr uint64_t count = 20'000;
  log_ring ring(4096);
  std::thread producer([&ring] {
    for (uint64_t i = 0; i < count;) {
      if (ring.push(1, std::to_string(i))) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (uint64_t i = 0; i < count;) {
    const auto piece = ring.front();
    if (piece.lines.empty()) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_EQ(piece.lines, std::to_string(i));
    ring.pop();
    ++i;
  }
  producer.join();
}

}  // namespace
}  // namespace fasterapi::server
