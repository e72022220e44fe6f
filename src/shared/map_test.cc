#include "shared/map.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "shared/directory.h"

namespace fasterapi::shared {
namespace {

constexpr size_t small_region = size_t{4} << 20;

class a_map {
 public:
  explicit a_map(map_options options = {}, size_t region_bytes = small_region)
      : region_(region::create(region_bytes).take()), options_(options) {
    object_plan plan{
        object_kind::dict,
        {options.max_items, options.ttl_ns},
        map_object::bytes(options),
        [](void* memory, const void* context) { new (memory) map_object(*static_cast<const map_options*>(context)); },
        &options_};
    map_.emplace(region_, *static_cast<map_object*>(open_object(region_, "m", plan, waiting_).take()));
  }

  map& operator*() { return *map_; }
  region& where() { return region_; }

  map::outcome set(std::string_view key, std::string_view value, uint64_t ttl_ns = 0) {
    return map_->set(key, value, map_->expiry(ttl_ns == 0 ? std::nullopt : std::optional(ttl_ns)), std::nullopt,
                     waiting_);
  }
  std::optional<std::string> get(std::string_view key) {
    core::byte_buffer out;
    if (map_->get(key, out, waiting_) == map::absent) return std::nullopt;
    return std::string(out.view());
  }
  bool contains(std::string_view key) { return map_->contains(key, waiting_); }
  bool remove(std::string_view key) { return map_->remove(key, nullptr, waiting_); }
  int64_t add(std::string_view key, int64_t more) {
    scalar sum;
    EXPECT_EQ(map_->add(key, scalar::of(more), never, sum, waiting_), map::outcome::done);
    return sum.integer;
  }
  uint64_t size() { return map_->size(waiting_); }
  map_stats stats() { return map_->stats(waiting_); }

  plain_patience waiting_;

 private:
  region region_;
  map_options options_;
  std::optional<map> map_;
};

TEST(Map, KeepsWhatWasStored) {
  a_map m;
  EXPECT_EQ(m.get("a"), std::nullopt);
  EXPECT_EQ(m.set("a", "1"), map::outcome::done);
  EXPECT_EQ(m.set("b", std::string(100, 'x')), map::outcome::done);
  EXPECT_EQ(m.set("c", std::string(100'000, 'y')), map::outcome::done);
  EXPECT_EQ(m.get("a"), "1");
  EXPECT_EQ(m.get("b"), std::string(100, 'x'));
  EXPECT_EQ(m.get("c"), std::string(100'000, 'y'));
  EXPECT_EQ(m.size(), 3U);
  EXPECT_TRUE(m.remove("b"));
  EXPECT_FALSE(m.remove("b"));
  EXPECT_EQ(m.get("b"), std::nullopt);
  EXPECT_EQ(m.size(), 2U);
}

TEST(Map, ReplacesValuesOfAnySizeByOthers) {
  a_map m;
  for (const size_t size : std::initializer_list<size_t>{0, 16, 17, 9000, 5, 200000, 200000, 3000, 16}) {
    ASSERT_EQ(m.set("k", std::string(size, 'v')), map::outcome::done);
    ASSERT_EQ(m.get("k"), std::string(size, 'v'));
  }
}

TEST(Map, GrowsAndShrinksWithoutLosingEntries) {
  a_map m;
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(m.set("key" + std::to_string(i), std::to_string(i)), map::outcome::done);
  EXPECT_EQ(m.size(), 5000U);
  for (int i = 0; i < 5000; i += 2) ASSERT_TRUE(m.remove("key" + std::to_string(i)));
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(m.get("key" + std::to_string(i)), i % 2 ? std::optional(std::to_string(i)) : std::nullopt);
  }
}

TEST(Map, UsesMemoryAgain) {
  a_map m({}, size_t{2} << 20);
  for (int round = 0; round < 200; ++round) {
    ASSERT_EQ(m.set("large", std::string(300'000, 'x')), map::outcome::done) << round;
    for (int i = 0; i < 20; ++i) ASSERT_EQ(m.set(std::to_string(i), std::string(500, 'y')), map::outcome::done);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(m.remove(std::to_string(i)));
    ASSERT_TRUE(m.remove("large"));
  }
}

TEST(Map, SaysWhenTheRegionIsFullAndLosesNothing) {
  a_map m({}, size_t{1} << 20);
  int stored = 0;
  while (m.set("key" + std::to_string(stored), std::string(20'000, 'x')) == map::outcome::done) ++stored;
  EXPECT_GT(stored, 10);
  EXPECT_EQ(m.set("key0", std::string(900'000, 'z')), map::outcome::full);
  EXPECT_EQ(m.get("key0"), std::string(20'000, 'x'));
  EXPECT_EQ(m.size(), static_cast<uint64_t>(stored));
  EXPECT_TRUE(m.remove("key0"));
  EXPECT_EQ(m.set("key0", std::string(20'000, 'x')), map::outcome::done);
}

TEST(Map, StoresOnlyOverTheVersionAskedFor) {
  a_map m;
  core::byte_buffer out;
  EXPECT_EQ((*m).set("k", "1", never, map::absent, m.waiting_), map::outcome::done);
  EXPECT_EQ((*m).set("k", "2", never, map::absent, m.waiting_), map::outcome::conflict);
  const uint64_t version = (*m).get("k", out, m.waiting_);
  EXPECT_EQ(m.set("k", "3"), map::outcome::done);
  EXPECT_EQ((*m).set("k", "4", never, version, m.waiting_), map::outcome::conflict);
  m.remove("k");
  EXPECT_EQ((*m).set("k", "5", never, version, m.waiting_), map::outcome::conflict);
  m.set("k", "6");
  EXPECT_NE((*m).get("k", out, m.waiting_), version);  // of an entry that came later, too
}

TEST(Map, AddsToNumbersOnly) {
  a_map m;
  EXPECT_EQ(m.add("n", 5), 5);
  EXPECT_EQ(m.add("n", -7), -2);
  m.set("text", "123456789");
  scalar sum;
  EXPECT_EQ((*m).add("text", scalar::of(int64_t{1}), never, sum, m.waiting_), map::outcome::not_a_sum);
  EXPECT_EQ((*m).add("n", scalar::of(1.5), never, sum, m.waiting_), map::outcome::not_a_sum);
  EXPECT_EQ((*m).add("real", scalar::of(1.5), never, sum, m.waiting_), map::outcome::done);
  EXPECT_EQ((*m).add("real", scalar::of(1.5), never, sum, m.waiting_), map::outcome::done);
  EXPECT_EQ(sum.real, 3.0);
  m.add("most", INT64_MAX);
  EXPECT_EQ((*m).add("most", scalar::of(int64_t{1}), never, sum, m.waiting_), map::outcome::not_a_sum);
}

TEST(Map, DropsExactlyTheOneUsedLongestAgo) {
  a_map m({.max_items = 3});
  m.set("a", "1");
  m.set("b", "2");
  m.set("c", "3");
  m.get("a");
  m.set("b", "4");
  EXPECT_TRUE(m.contains("c"));  // looking is no use
  m.set("d", "5");
  EXPECT_EQ(m.get("c"), std::nullopt);
  EXPECT_TRUE(m.contains("a") && m.contains("b") && m.contains("d"));
  EXPECT_EQ(m.stats().evictions, 1U);
  m.remove("a");
  m.set("e", "6");
  EXPECT_EQ(m.size(), 3U);
  EXPECT_EQ(m.stats().evictions, 1U);
}

TEST(Map, StaysWithinItsBoundWithManyShards) {
  a_map m({.max_items = 2000});
  for (int i = 0; i < 6000; ++i) ASSERT_EQ(m.set(std::to_string(i), "x"), map::outcome::done);
  EXPECT_LE(m.size(), 2000U);
  EXPECT_GT(m.size(), 1900U);
}

TEST(Map, ForgetsWhatHasExpired) {
  a_map m({.ttl_ns = 3'600'000'000'000});
  m.set("hour", "1");
  m.set("gone", std::string(50, 'x'), 1);
  EXPECT_EQ(m.get("gone"), std::nullopt);
  m.set("gone", "2", 1);
  EXPECT_EQ(m.size(), 1U);
  EXPECT_EQ(m.stats().expirations, 2U);
  EXPECT_EQ(m.get("hour"), "1");
}

TEST(Map, RemovesWhatHasExpiredBeforeItIsFull) {
  a_map m({}, size_t{1} << 20);
  int stored = 0;
  while (m.set("key" + std::to_string(stored), std::string(20'000, 'x'), 1) == map::outcome::done && stored < 1000) {
    ++stored;
  }
  EXPECT_EQ(stored, 1000);
}

TEST(Map, CopiesEveryEntry) {
  a_map m;
  for (int i = 0; i < 100; ++i) m.add("key" + std::to_string(i), i);
  core::byte_buffer out;
  (*m).copy(out, m.waiting_);
  size_t entries = 0;
  for (size_t at = 0; at < out.size(); ++entries) {
    uint64_t sizes[2];
    std::memcpy(sizes, out.data() + at, sizeof sizes);
    at += sizeof sizes + sizes[0] + sizes[1];
  }
  EXPECT_EQ(entries, 100U);
  (*m).clear(m.waiting_);
  EXPECT_EQ(m.size(), 0U);
}

TEST(Map, CountsExactlyFromManyThreads) {
  a_map m;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&m, t] {
      for (int i = 0; i < 3000; ++i) {
        m.add("all", 1);
        m.add("key" + std::to_string(i % 50), 1);
        const std::string own = "own" + std::to_string(t) + "-" + std::to_string(i % 20);
        m.set(own, std::string(static_cast<size_t>(i % 300), 'x'));
        EXPECT_EQ(m.get(own), std::string(static_cast<size_t>(i % 300), 'x'));
        if (i % 3 == 0) m.remove(own);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(m.add("all", 0), 12'000);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(m.add("key" + std::to_string(i), 0), 240);
}

TEST(Map, StaysBoundedUnderManyThreads) {
  a_map m({.max_items = 100});
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&m, t] {
      for (int i = 0; i < 3000; ++i) {
        m.set(std::to_string((i * 7 + t) % 400), std::string(static_cast<size_t>(i % 100), 'x'));
        m.get(std::to_string(i % 400));
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(m.size(), 100U);
}

}  // namespace
}  // namespace fasterapi::shared
