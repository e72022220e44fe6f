#include "server/lifeline.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace fasterapi::server {
namespace {

// Its only thread does nothing that anybody could ask to end.
TEST(LifelineDeathTest, AProcessEndsAfterTheOtherSideOfItsPipe) {
  const auto stay = [] {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_TRUE(end_with_other_side(ends[0], 1).ok());
    ::close(ends[1]);
    for (;;) ::pause();
  };
  EXPECT_EXIT(stay(), testing::ExitedWithCode(1), "the supervisor is gone");
}

}  // namespace
}  // namespace fasterapi::server
