// What futures and coroutines allocate: counted, not believed. One allocation serves a promise and its future, one a
// continuation and its future, one a coroutine.

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "core/counted_malloc.h"
#include "fasterapi/core/awaitable_future.h"
#include "fasterapi/core/combinators.h"
#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/future.h"
#include "fasterapi/core/sync_wait.h"

namespace fasterapi::core {
namespace {

template <typename F>
uint64_t allocations_of(F&& work) {
  const uint64_t before = allocations;
  work();
  return allocations - before;
}

TEST(FutureAllocations, APromiseAndItsFutureAreOne) {
  int sum = 0;
  EXPECT_EQ(allocations_of([&] {
              promise<int> made;
              future<int> tested = made.get_future();
              made.on_cancel([&sum] { sum = -1; });
              made.set(3);
              sum += tested.get().take();
            }),
            1U);
  EXPECT_EQ(sum, 3);
}

TEST(FutureAllocations, AContinuationIsOne) {
  int sum = 0;
  EXPECT_EQ(allocations_of([&] {
              promise<int> made;
              auto tested = made.get_future().then([&sum](int number) { return sum += number; });
              made.set(3);
              static_cast<void>(tested.get());
            }),
            2U);
  EXPECT_EQ(sum, 3);
}

TEST(FutureAllocations, AContinuationOnAnExecutorIsOne) {
  inline_executor where;
  int sum = 0;
  EXPECT_EQ(allocations_of([&] {
              promise<int> made;
              auto tested = made.get_future().then(where, [&sum](int number) { return sum += number; });
              made.set(3);
              static_cast<void>(tested.get());
            }),
            2U);
  EXPECT_EQ(sum, 3);
}

TEST(FutureAllocations, AllOfAFewIsOne) {
  auto one = make_ready_future(1);
  auto two = make_ready_future(2);
  EXPECT_EQ(allocations_of([&] { static_cast<void>(when_all(std::move(one), std::move(two)).get()); }), 1U);
}

TEST(FutureAllocations, SmallTasksAreNone) {
  EXPECT_EQ(allocations_of([] {
              std::array<char, task::inline_size> bytes{};
              task work = [bytes] { static_cast<void>(bytes); };
              work();
            }),
            0U);
}

coro_task<int> add(int left, int right) { co_return left + right; }
coro_task<int> await_in_place(future<int> source) { co_return co_await make_awaitable(std::move(source)); }

// A frame for each coroutine, the one that drives it, and the state of its future. (g++ does not leave out frames.)
TEST(FutureAllocations, ACoroutineIsOne) {
  int sum = 0;
  EXPECT_LE(allocations_of([&] { sum = sync_wait(add(1, 2)).take(); }), 3U);
  EXPECT_EQ(sum, 3);
}

TEST(FutureAllocations, AwaitingAFutureIsNone) {
  promise<int> made;
  auto source = made.get_future();
  EXPECT_LE(allocations_of([&] {
              auto tested = spawn(await_in_place(std::move(source)));
              made.set(1);
              static_cast<void>(tested.get());
            }),
            3U);
}

}  // namespace
}  // namespace fasterapi::core
