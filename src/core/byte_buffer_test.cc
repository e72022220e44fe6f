#include "core/byte_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace fasterapi::core {
namespace {

TEST(ByteBuffer, ConsumesNothingOfNoMemory) {
  byte_buffer bytes;
  bytes.consume(0);
  EXPECT_TRUE(bytes.empty());
}

TEST(ByteBuffer, AppendsAndConsumes) {
  byte_buffer bytes;
  bytes.append("hello ");
  bytes.append("world");
  bytes.append('!');
  EXPECT_EQ(bytes.view(), "hello world!");
  bytes.consume(6);
  EXPECT_EQ(bytes.view(), "world!");
}

TEST(ByteBuffer, AppendingNothingIsNothing) {
  byte_buffer bytes;
  bytes.append(std::string_view());
  EXPECT_TRUE(bytes.empty());
  bytes.append("a");
  bytes.append(std::string_view());
  EXPECT_EQ(bytes.view(), "a");
}

TEST(ByteBuffer, FailsStickilyAtItsBound) {
  byte_buffer bytes(300);
  bytes.append(std::string(290, 'a'));
  bytes.append(std::string(20, 'b'));
  EXPECT_TRUE(bytes.failed());
  EXPECT_EQ(bytes.size(), 290U);
  bytes.clear();
  bytes.append("c");
  EXPECT_FALSE(bytes.failed());
  EXPECT_EQ(bytes.view(), "c");
}

TEST(ByteBuffer, MovesItsMemory) {
  byte_buffer bytes;
  bytes.append("abc");
  byte_buffer taken = std::move(bytes);
  EXPECT_EQ(taken.view(), "abc");
}

TEST(ByteBuffer, ShrinksWhenAsked) {
  byte_buffer bytes;
  bytes.append(std::string(10000, 'x'));
  bytes.shrink(1024);
  EXPECT_EQ(bytes.capacity(), 0U);
}

}  // namespace
}  // namespace fasterapi::core
