#include "core/buffer_pool.h"

#include <gtest/gtest.h>

#include <string>

namespace fasterapi::core {
namespace {

TEST(BufferPool, LendsTheMemoryThatWasTakenBack) {
  buffer_pool pool;
  byte_buffer one;
  one.append("abc");
  const char* memory = one.data();
  pool.take_back(one);
  EXPECT_EQ(one.capacity(), 0U);
  byte_buffer two;
  pool.lend(two);
  EXPECT_TRUE(two.empty());
  two.append("x");
  EXPECT_EQ(two.data(), memory);
}

TEST(BufferPool, KeepsNoLargeBuffers) {
  buffer_pool pool;
  byte_buffer large;
  large.append(std::string(buffer_pool::kept_capacity + 1, 'x'));
  pool.take_back(large);
  EXPECT_EQ(pool.spare(), 0U);
  EXPECT_EQ(large.capacity(), 0U);
}

TEST(BufferPool, LeavesABufferWithMemoryAlone) {
  buffer_pool pool;
  byte_buffer one;
  one.append("one");
  pool.take_back(one);
  byte_buffer two;
  two.append("two");
  pool.lend(two);
  EXPECT_EQ(two.view(), "two");
  EXPECT_EQ(pool.spare(), 1U);
}

}  // namespace
}  // namespace fasterapi::core
