#include "core/backoff.h"

#include <gtest/gtest.h>

namespace fasterapi::core {
namespace {

TEST(Backoff, WaitsTwiceAsLongEachTimeUpToItsBound) {
  backoff pauses(100, 500);
  for (const int64_t expected : {100, 200, 400, 500, 500}) EXPECT_EQ(pauses.next(), expected);
}

}  // namespace
}  // namespace fasterapi::core
