#include "fasterapi/core/futex.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <new>
#include <thread>

#include "core/clock.h"

namespace fasterapi::core {
namespace {

TEST(Futex, DoesNotSleepOnAChangedWord) {
  const std::atomic<uint32_t> word{1};
  EXPECT_TRUE(futex_wait(word, 0));
}

TEST(Futex, SaysThatTheDeadlineHasPassed) {
  const std::atomic<uint32_t> word{0};
  const int64_t deadline = monotonic_ns() + 1'000'000;
  while (futex_wait(word, 0, deadline)) ASSERT_LT(monotonic_ns(), deadline + 10'000'000'000);
  EXPECT_GE(monotonic_ns(), deadline);
  EXPECT_FALSE(futex_wait(word, 0, 0));
  EXPECT_FALSE(futex_wait(word, 0, -5));
}

// Every turn needs a wake that comes after a change: a lost one would end in the deadline.
TEST(Futex, LosesNoWake) {
  constexpr uint32_t turns = 2000;
  const int64_t deadline = monotonic_ns() + 20'000'000'000;
  std::atomic<uint32_t> word{0};
  const auto play = [&](uint32_t parity) {
    for (;;) {
      const uint32_t now = word.load(std::memory_order_acquire);
      if (now >= turns) return true;
      if (now % 2 == parity) {
        word.store(now + 1, std::memory_order_release);
        futex_wake(word, 1);
      } else if (!futex_wait(word, now, deadline)) {
        return false;
      }
    }
  };
  bool other_in_time = false;
  std::thread other([&] { other_in_time = play(1); });
  EXPECT_TRUE(play(0));
  other.join();
  EXPECT_TRUE(other_in_time);
}

TEST(Futex, WakesAll) {
  std::atomic<uint32_t> word{0};
  const int64_t deadline = monotonic_ns() + 20'000'000'000;
  std::atomic<int> in_time{0};
  const auto wait = [&] {
    while (word.load(std::memory_order_acquire) == 0) {
      if (!futex_wait(word, 0, deadline)) return;
    }
    in_time.fetch_add(1);
  };
  std::thread one(wait);
  std::thread two(wait);
  word.store(1, std::memory_order_release);
  futex_wake_all(word);
  one.join();
  two.join();
  EXPECT_EQ(in_time.load(), 2);
}

TEST(Futex, ReachesOtherProcesses) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  auto* word = ::new (page) std::atomic<uint32_t>(0);
  const pid_t child = fork();
  if (child == 0) {
    const int64_t deadline = deadline_after(10'000'000'000);
    while (word->load() == 0 && futex_wait(*word, 0, deadline, futex_scope::shared)) {
    }
    _exit(word->load() == 1 ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  word->store(1);
  futex_wake_all(*word, futex_scope::shared);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  munmap(page, 4096);
}

TEST(Futex, DeadlinesDoNotOverflow) {
  EXPECT_EQ(deadline_after(std::numeric_limits<int64_t>::max()), std::numeric_limits<int64_t>::max());
  const int64_t past = deadline_after(-5);
  EXPECT_LE(past, monotonic_ns());
}

}  // namespace
}  // namespace fasterapi::core
