#include "core/arena.h"

#include <gtest/gtest.h>

namespace fasterapi::core {
namespace {

TEST(Arena, GivesAlignedDistinctMemory) {
  arena memory;
  void* one = memory.allocate(3, 1);
  void* two = memory.allocate(8, 8);
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(two) % 8, 0U);
  EXPECT_GE(static_cast<char*>(two) - static_cast<char*>(one), 3);
}

TEST(Arena, ReusesItsFirstBlockAfterReset) {
  arena memory;
  void* first = memory.allocate(16, 8);
  memory.allocate(arena::block_size * 3, 8);
  memory.reset();
  EXPECT_EQ(memory.allocate(16, 8), first);
}

TEST(Arena, RefusesPastItsBoundAndRecovers) {
  arena memory(3 * arena::block_size);
  EXPECT_EQ(memory.allocate(4 * arena::block_size, 8), nullptr);
  EXPECT_TRUE(memory.failed());
  memory.reset();
  EXPECT_FALSE(memory.failed());
  EXPECT_NE(memory.allocate(8, 8), nullptr);
}

TEST(Arena, CopiesText) {
  arena memory;
  EXPECT_EQ(memory.copy("héllo"), "héllo");
  EXPECT_EQ(memory.copy(""), "");
  EXPECT_FALSE(memory.failed());
}

}  // namespace
}  // namespace fasterapi::core
