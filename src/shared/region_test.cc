#include "shared/region.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "shared/counter.h"
#include "shared/directory.h"
#include "shared/process_region.h"
#include "shared/siphash.h"

namespace fasterapi::shared {
namespace {

constexpr size_t region_bytes = size_t{4} << 20;

core::result<void*> open_counter(const region& in, std::string_view name, int64_t initial = 0) {
  plain_patience waiting;
  const object_plan plan{
      object_kind::counter,
      {static_cast<uint64_t>(initial)},
      sizeof(counter),
      [](void* memory, const void* context) { new (memory) counter(*static_cast<const int64_t*>(context)); },
      &initial};
  return open_object(in, name, plan, waiting);
}

counter& counter_of(const region& in, std::string_view name) {
  return *static_cast<counter*>(open_counter(in, name).take());
}

TEST(Region, IsTheSameToWhoeverAttaches) {
  const region made = region::create(region_bytes).take();
  counter_of(made, "hits").add(5);
  const region attached = region::attach(dup(made.descriptor())).take();
  EXPECT_NE(attached.base(), made.base());
  EXPECT_EQ(counter_of(attached, "hits").add(1), 6);
  EXPECT_EQ(counter_of(made, "hits").value(), 6);
}

TEST(Region, KnowsWhoLives) {
  const region made = region::create(region_bytes).take();
  EXPECT_NE(made.self(), 0U);
  EXPECT_EQ(made.self(), made.self());
  int up[2], down[2];
  ASSERT_EQ(pipe(up), 0);
  ASSERT_EQ(pipe(down), 0);
  const pid_t child = fork();
  if (child == 0) {
    const process_id self = made.self();
    char end = 0;
    _exit(write(up[1], &self, sizeof self) == sizeof self && read(down[0], &end, 1) == 1 ? 0 : 1);
  }
  process_id other = 0;
  ASSERT_EQ(read(up[0], &other, sizeof other), static_cast<ssize_t>(sizeof other));
  EXPECT_NE(other, made.self());
  EXPECT_TRUE(made.is_alive(other));
  EXPECT_TRUE(made.is_alive(made.self()));
  ASSERT_EQ(write(down[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_FALSE(made.is_alive(other));
}

TEST(Directory, FindsWhatWasMade) {
  const region made = region::create(region_bytes).take();
  for (int i = 0; i < 3000; ++i) counter_of(made, "counter " + std::to_string(i)).set(i);
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(counter_of(made, "counter " + std::to_string(i)).value(), i);
}

TEST(Directory, SaysWhyAnObjectCannotBeHad) {
  const region made = region::create(size_t{256} << 10).take();
  plain_patience waiting;
  ASSERT_TRUE(open_counter(made, "hits", 1).ok());
  EXPECT_EQ(open_counter(made, "hits", 2).failure().code, directory_errc::other_options);
  const object_plan queue{object_kind::queue, {1}, 64, [](void*, const void*) {}, nullptr};
  EXPECT_EQ(open_object(made, "hits", queue, waiting).failure().message, "'hits' is a Counter already, not a Queue");
  EXPECT_EQ(open_counter(made, "").failure().code, directory_errc::bad_name);
  EXPECT_EQ(open_counter(made, std::string(256, 'x')).failure().code, directory_errc::bad_name);
  const object_plan large{object_kind::queue, {1}, size_t{1} << 20, [](void*, const void*) {}, nullptr};
  const core::error full = open_object(made, "large", large, waiting).take_failure();
  EXPECT_EQ(full.code, directory_errc::full);
  EXPECT_EQ(full.message, "shared memory is full: shared_memory_max_bytes is 262144");
  EXPECT_TRUE(open_counter(made, "another").ok());
}

TEST(Directory, MakesAnObjectOnceAmongThreads) {
  const region made = region::create(region_bytes).take();
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&made] {
      for (int i = 0; i < 500; ++i) counter_of(made, std::to_string(i % 100)).add(1);
    });
  }
  for (std::thread& each : threads) each.join();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(counter_of(made, std::to_string(i)).value(), 20);
}

TEST(PageTable, TakesWhatWasGivenBackAndJoinsNeighbours) {
  const region made = region::create(region_bytes).take();
  page_table& pages = made.header().pages;
  const uint64_t before = pages.used(made.base());
  std::vector<uint64_t> slots(40, 0);
  for (uint64_t& slot : slots) ASSERT_TRUE(pages.take(made.base(), 3, slot));
  EXPECT_EQ(std::set<uint64_t>(slots.begin(), slots.end()).size(), slots.size());
  EXPECT_EQ(pages.used(made.base()), before + 120);
  uint64_t large = 0;
  EXPECT_FALSE(pages.take(made.base(), 200, large));
  EXPECT_EQ(large, 0U);
  for (size_t i = 0; i < slots.size(); i += 2) pages.give(made.base(), slots[i]);
  EXPECT_EQ(slots[0], 0U);
  uint64_t small = 0;
  ASSERT_TRUE(pages.take(made.base(), 2, small));
  pages.give(made.base(), small);
  for (size_t i = 1; i < slots.size(); i += 2) pages.give(made.base(), slots[i]);
  EXPECT_TRUE(pages.take(made.base(), 200, large));
  EXPECT_EQ(pages.length_of(made.base(), large), 200 * page_table::page_bytes);
}

TEST(Domain, KeepsBlocksApartAndUndoesWhatIsNotCommitted) {
  const region made = region::create(region_bytes).take();
  plain_patience waiting;
  domain_holder held(made, made.header().directory, waiting);
  std::set<std::pair<uint64_t, uint64_t>> blocks;
  for (size_t size = 1; size <= domain::largest_block; size += size / 3 + 1) {
    const uint64_t at = held.allocate(size);
    ASSERT_NE(at, 0U);
    EXPECT_EQ(at % 16, 0U);
    EXPECT_GE(block_bytes(size), size);
    EXPECT_LE(block_bytes(size), size + size / 4 + 16);
    blocks.emplace(at, at + block_bytes(size));
    held.commit();
  }
  uint64_t end = 0;
  for (const auto& [first, last] : blocks) {
    EXPECT_GE(first, end);
    end = last;
  }
  const uint64_t undone = held.allocate(100);
  held.undo();
  EXPECT_EQ(held.allocate(100), undone);
  held.commit();
  held.free(undone, 100);
  held.undo();
  EXPECT_NE(held.allocate(100), undone);
}

TEST(ProcessRegion, IsOneForTheWholeProcess) {
  EXPECT_FALSE(set_process_region_max_bytes(100));
  const bool is_first = set_process_region_max_bytes(region_bytes);  // not where this test is run again
  std::vector<const region*> seen(4, nullptr);
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (const region*& each : seen) threads.emplace_back([&each] { each = process_region().take(); });
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(std::set<const region*>(seen.begin(), seen.end()).size(), 1U);
  EXPECT_TRUE(!is_first || seen[0]->header().max_bytes == region_bytes);
  EXPECT_FALSE(set_process_region_max_bytes(2 * region_bytes));
  EXPECT_EQ(adopt_process_region(seen[0]->descriptor()).failure().code.value(), EBUSY);
}

TEST(SipHash, DependsOnTheKeyAndOnEveryByte) {
  const std::array<uint64_t, 2> key = {1, 2};
  std::set<uint64_t> hashes;
  std::string text;
  for (int i = 0; i < 40; ++i, text.push_back('a')) hashes.insert(siphash(key, text));
  EXPECT_EQ(hashes.size(), 40U);
  EXPECT_EQ(siphash(key, "text"), siphash(key, "text"));
  EXPECT_NE(siphash(key, "text"), siphash({1, 3}, "text"));
  EXPECT_NE(siphash(key, "12345678a"), siphash(key, "12345678b"));
  EXPECT_NE(siphash(key, "a2345678"), siphash(key, "b2345678"));
}

}  // namespace
}  // namespace fasterapi::shared
