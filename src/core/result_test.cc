#include "fasterapi/core/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

namespace fasterapi::core {
namespace {

result<int> half(int number) {
  if (number % 2 != 0) return error{errc::invalid_argument, "odd", {}};
  return number / 2;
}

result<int> quarter(int number) { return TRY(half(TRY(half(number)))); }

TEST(Result, CarriesAValueOrAnError) {
  EXPECT_EQ(half(4).value(), 2);
  auto failed = half(3);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.failure().message, "odd");
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).failure().code, errc::invalid_argument);
}

TEST(Result, MovesValuesOut) {
  result<std::unique_ptr<int>> owned(std::make_unique<int>(7));
  std::unique_ptr<int> taken = owned.take();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, NamesSystemErrors) {
  const error missing = system_error(ENOENT, "open x");
  EXPECT_EQ(missing.message, "open x: No such file or directory");
  EXPECT_EQ(missing.code, std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace fasterapi::core
