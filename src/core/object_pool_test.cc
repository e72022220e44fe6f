#include "core/object_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace fasterapi::core {
namespace {

struct item {
  void reset() noexcept { ++resets; }
  item* pool_next = nullptr;
  int resets = 0;
};

TEST(ObjectPool, HandsTheSameObjectOutAgain) {
  object_pool<item> pool(10);
  item* one = pool.acquire();
  ASSERT_NE(one, nullptr);
  pool.release(*one);
  EXPECT_EQ(one->resets, 1);
  EXPECT_EQ(pool.acquire(), one);
}

TEST(ObjectPool, StopsAtItsBound) {
  object_pool<item> pool(100);
  std::set<item*> seen;
  while (item* next = pool.acquire()) seen.insert(next);
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(pool.in_use(), 100U);
  pool.release(**seen.begin());
  EXPECT_NE(pool.acquire(), nullptr);
}

}  // namespace
}  // namespace fasterapi::core
