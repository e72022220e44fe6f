#include "core/malloc_arenas.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fasterapi::core {
namespace {

// Of this process, by malloc_info(3).
size_t count_arenas() {
  char* text = nullptr;
  size_t size = 0;
  FILE* into = open_memstream(&text, &size);
  malloc_info(0, into);
  std::fclose(into);
  const std::string told(text, size);
  std::free(text);
  constexpr std::string_view each = "<heap nr=";
  size_t count = 0;
  for (size_t at = told.find(each); at != std::string::npos; at = told.find(each, at + 1)) ++count;
  return count;
}

size_t arenas_of_threads(size_t count) {
  std::latch all_allocated(static_cast<ptrdiff_t>(count));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([&all_allocated] {
      void* const held = std::malloc(100'000);
      asm volatile("" : : "r"(held) : "memory");
      all_allocated.arrive_and_wait();
      std::free(held);
    });
  }
  for (std::thread& each : threads) each.join();
  return count_arenas();
}

// In processes of their own, begun anew: what malloc was told holds for ever, and so do the arenas that it has.
class MallocArenasTest : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "malloc is the sanitizer's";
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

TEST_F(MallocArenasTest, ThreadsShareAsManyArenasAsAreAllowed) {
  EXPECT_EXIT(
      {
        limit_malloc_arenas(2);
        std::exit(arenas_of_threads(12) <= 2 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(MallocArenasTest, TheOwnersNumberIsKept) {
  for (const char* name : {"MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}) {
    EXPECT_EXIT(
        {
          // It is read when a process begins: this one has malloc's own bound.
          setenv(name, "glibc.malloc.arena_max=8", 1);
          limit_malloc_arenas(1);
          std::exit(arenas_of_threads(12) > 1 ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
  }
}

}  // namespace
}  // namespace fasterapi::core
