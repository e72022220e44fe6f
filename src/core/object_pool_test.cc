#include "core/object_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace fasterapi::core {
namespace {

struct counted {
  explicit counted(int& alive) : alive_(alive) { ++alive_; }
  ~counted() { --alive_; }
  int& alive_;
};

TEST(ObjectPool, ConstructsAndDestroys) {
  int alive = 0;
  object_pool<counted> pool(10);
  counted* one = pool.acquire(alive);
  EXPECT_EQ(alive, 1);
  pool.release(one);
  EXPECT_EQ(alive, 0);
}

TEST(ObjectPool, ReusesMemory) {
  int alive = 0;
  object_pool<counted> pool(10);
  counted* one = pool.acquire(alive);
  pool.release(one);
  EXPECT_EQ(pool.acquire(alive), one);
}

TEST(ObjectPool, GrowsByWholeSlabsUpToItsBound) {
  int alive = 0;
  object_pool<counted> pool(100);
  std::set<counted*> seen;
  while (counted* next = pool.acquire(alive)) seen.insert(next);
  EXPECT_EQ(seen.size(), 128U);
  EXPECT_EQ(pool.in_use(), 128U);
  for (counted* object : seen) pool.release(object);
}

}  // namespace
}  // namespace fasterapi::core
