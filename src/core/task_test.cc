#include "fasterapi/core/task.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>

namespace fasterapi::core {
namespace {

// Counts how many of it there are.
struct tracked {
  explicit tracked(int& count) noexcept : count_(&count) { ++*count_; }
  tracked(tracked&& other) noexcept : count_(other.count_) { ++*count_; }
  tracked& operator=(tracked&&) = delete;
  ~tracked() { --*count_; }
  int* count_;
};

TEST(Task, IsOneCacheLine) { EXPECT_EQ(sizeof(task), 64U); }

TEST(Task, IsEmptyUntilItHoldsSomething) {
  task work;
  EXPECT_FALSE(work);
  work = [] {};
  EXPECT_TRUE(work);
}

TEST(Task, CallsWhatItHoldsAsOftenAsAsked) {
  int calls = 0;
  task work = [&calls] { ++calls; };
  work();
  work();
  EXPECT_EQ(calls, 2);
}

TEST(Task, HoldsWhatCannotBeCopied) {
  auto number = std::make_unique<int>(3);
  int seen = 0;
  task work = [number = std::move(number), &seen] { seen = *number; };
  task moved = std::move(work);
  EXPECT_FALSE(work);  // NOLINT(bugprone-use-after-move): what it promises
  moved();
  EXPECT_EQ(seen, 3);
}

TEST(Task, KeepsSmallCallablesInItself) {
  const auto small = [bytes = std::array<char, 48>{}] { static_cast<void>(bytes); };
  const auto large = [bytes = std::array<char, 64>{}] { static_cast<void>(bytes); };
  EXPECT_TRUE(task::fits_inline<decltype(small)>);
  EXPECT_FALSE(task::fits_inline<decltype(large)>);
}

template <size_t Extra>
void destroys_once() {
  int alive = 0;
  int calls = 0;
  {
    task work = [held = tracked(alive), extra = std::array<char, Extra>{}, &calls] {
      static_cast<void>(held);
      static_cast<void>(extra);
      ++calls;
    };
    EXPECT_EQ(alive, 1);
    task moved = std::move(work);
    EXPECT_EQ(alive, 1);
    moved();
    work = std::move(moved);
    EXPECT_EQ(alive, 1);
    work();
    work.reset();
    EXPECT_EQ(alive, 0);
    work = [held = tracked(alive)] { static_cast<void>(held); };
    EXPECT_EQ(alive, 1);
    work = [] {};
    EXPECT_EQ(alive, 0);
    work = [held = tracked(alive)] { static_cast<void>(held); };
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(calls, 2);
}

TEST(Task, DestroysItsCallableOnce) { destroys_once<1>(); }
TEST(Task, DestroysAnAllocatedCallableOnce) { destroys_once<100>(); }

}  // namespace
}  // namespace fasterapi::core
