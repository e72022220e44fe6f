#include "core/cpus.h"

#include <gtest/gtest.h>

#include <thread>

namespace fasterapi::core {
namespace {

TEST(Cpus, ReadsQuotas) {
  EXPECT_EQ(cpus_of_quota("max 100000"), 0);
  EXPECT_EQ(cpus_of_quota("150000 100000"), 2);
  EXPECT_EQ(cpus_of_quota("100000 100000"), 1);
  EXPECT_EQ(cpus_of_quota("50000 100000"), 1);
  EXPECT_EQ(cpus_of_quota(""), 0);
  EXPECT_EQ(cpus_of_quota("100000"), 0);
  EXPECT_EQ(cpus_of_quota("x y"), 0);
}

TEST(Cpus, AtLeastOneIsUsable) {
  EXPECT_GE(usable_cpus(), 1);
  EXPECT_LE(usable_cpus(), static_cast<int>(allowed_cpus().size()));
}

TEST(Cpus, PinsAThread) {
  const int cpu = allowed_cpus().back();
  std::thread([cpu] {
    EXPECT_TRUE(pin_thread_to(cpu).ok());
    EXPECT_EQ(allowed_cpus(), std::vector<int>{cpu});
  }).join();
}

}  // namespace
}  // namespace fasterapi::core
