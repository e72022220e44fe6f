// What is left of the shared structures when a process dies, at any instruction of an operation.
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "shared/directory.h"
#include "shared/map.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define FASTERAPI_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define FASTERAPI_SANITIZED 1
#endif
#endif

namespace fasterapi::shared {
namespace {

constexpr size_t region_bytes = size_t{1} << 20;

using contents = std::map<std::string, std::string>;

struct opened_map {
  map_object& object;
  map contents;
};

opened_map open_map(const region& in, map_options options) {
  plain_patience waiting;
  object_plan plan{
      object_kind::dict,
      {options.max_items, options.ttl_ns},
      map_object::bytes(options),
      [](void* memory, const void* context) { new (memory) map_object(*static_cast<const map_options*>(context)); },
      &options};
  auto& object = *static_cast<map_object*>(open_object(in, "m", plan, waiting).take());
  return {object, map(in, object)};
}

contents contents_of(const map& from) {
  plain_patience waiting;
  core::byte_buffer out;
  from.copy(out, waiting);
  contents found;
  for (size_t at = 0; at < out.size();) {
    uint64_t sizes[2];
    std::memcpy(sizes, out.data() + at, sizeof sizes);
    at += sizeof sizes;
    found[std::string(out.data() + at, sizes[0])] = std::string(out.data() + at + sizes[0], sizes[1]);
    at += sizes[0] + sizes[1];
  }
  return found;
}

// Does to a lock what the kernel does when its holder dies.
void kill_holder(robust_lock& lock) {
  auto& word = reinterpret_cast<uint32_t&>(lock);
  if ((word & FUTEX_TID_MASK) != 0) word = FUTEX_OWNER_DIED;
}

// Every byte of the pages that are handed out must belong to exactly one thing. Finds who owns what.
class ledger {
 public:
  explicit ledger(const region& in) : region_(in) {}

  void add(uint64_t offset, size_t bytes) {
    if (bytes == 0) return;
    const auto next = owned_.upper_bound(offset);
    EXPECT_TRUE(next == owned_.end() || offset + bytes <= next->first) << "twice: " << offset;
    EXPECT_TRUE(next == owned_.begin() || std::prev(next)->first + std::prev(next)->second <= offset) << offset;
    owned_[offset] = bytes;
    total_ += bytes;
  }

  void add_free_blocks(const domain& of) {
    add(of.fresh, of.fresh_end - of.fresh);
    for (const uint64_t run : {of.arriving_fresh, of.arriving_large, of.leaving}) {
      if (run != 0) add(run, region_.header().pages.length_of(region_.base(), run));
    }
    size_t size = 16;
    for (const uint64_t first : of.free_blocks) {
      for (uint64_t at = first; at != 0; at = region_.at<uint64_t>(at)) add(at, block_bytes(size));
      size = block_bytes(size) + 1;
    }
  }

  void add_map(map_object& object) {
    plain_patience waiting;
    auto& shard = *reinterpret_cast<map_shard*>(reinterpret_cast<std::byte*>(&object) + 64);
    map_shard_holder held(region_, shard, 0, waiting);
    if (shard.table != 0) add(shard.table, block_bytes(shard.capacity * 8));
    held.for_each([&](const map_entry& entry) {
      add(region_.offset_of(&entry), block_bytes(sizeof entry + entry.key_bytes));
      if (entry.value_bytes > map_entry::inline_bytes) add(entry.value[0], block_bytes(entry.value_bytes));
    });
    add_free_blocks(shard.guarded);
  }

  uint64_t unaccounted() const { return region_.header().pages.used(region_.base()) * page_table::page_bytes - total_; }

 private:
  const region& region_;
  std::map<uint64_t, size_t> owned_;
  uint64_t total_ = 0;
};

uint64_t unaccounted_in(const region& in, map_object& object) {
  ledger book(in);
  book.add_map(object);
  return book.unaccounted();
}

// Both lists of a bounded map lead through all entries.
void expect_whole_list(const region& in, map_object& object) {
  auto& shard = *reinterpret_cast<map_shard*>(reinterpret_cast<std::byte*>(&object) + 64);
  uint64_t count = 0, last = 0;
  for (uint64_t at = shard.newest; at != 0; at = in.at<map_entry>(at).older, ++count) {
    ASSERT_LE(count, shard.live);
    EXPECT_EQ(in.at<map_entry>(at).newer, last);
    last = at;
  }
  EXPECT_EQ(count, shard.live);
  EXPECT_EQ(shard.oldest, last);
}

// Runs `operation` in a child, one instruction after the other, and looks at each: what if it had died there?
class every_instruction {
 public:
  explicit every_instruction(map_options options)
      : options_(options),
        original_(region::create(region_bytes).take()),
        copy_(region::create(region_bytes).take()),
        map_(open_map(original_, options)) {}

  map& prepared() { return map_.contents; }

  void run(const std::function<void(map&)>& operation) {
    const contents before = contents_of(map_.contents);
    const uint64_t lost_before = unaccounted_in(original_, map_.object);
    std::memcpy(copy_.base(), original_.base(), region_bytes);
    opened_map after = open_map(copy_, options_);
    operation(after.contents);
    const contents expected = contents_of(after.contents);
    const uint64_t lost_after = unaccounted_in(copy_, after.object);

    const pid_t child = start(operation);
    int status = 0;
    for (steps_ = 0; WIFSTOPPED(status) || steps_ == 0; ++steps_) {
      std::memcpy(copy_.base(), original_.base(), region_bytes);
      look(before, expected, lost_before, lost_after);
      if (testing::Test::HasFailure()) break;
      ASSERT_EQ(ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr), 0);
      waitpid(child, &status, 0);
    }
    kill(child, SIGKILL);
    if (WIFSTOPPED(status)) waitpid(child, &status, 0);
    EXPECT_GT(steps_, 500) << "the operation was not followed";
    EXPECT_EQ(contents_of(map_.contents), expected);
  }

 private:
  pid_t start(const std::function<void(map&)>& operation) {
    const pid_t child = fork();
    if (child == 0) {
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      raise(SIGSTOP);
      operation(map_.contents);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSTOPPED(status));
    return child;
  }

  void look(const contents& before, const contents& expected, uint64_t lost_before, uint64_t lost_after) {
    opened_map found = {copy_.at<map_object>(original_.offset_of(&map_.object)),
                        map(copy_, copy_.at<map_object>(original_.offset_of(&map_.object)))};
    kill_holder(reinterpret_cast<robust_lock&>(copy_.header().pages));
    kill_holder(reinterpret_cast<map_shard*>(reinterpret_cast<std::byte*>(&found.object) + 64)->guarded.lock);
    const contents now = contents_of(found.contents);
    EXPECT_TRUE(now == before || now == expected) << "after " << steps_ << " instructions";
    const uint64_t lost = unaccounted_in(copy_, found.object);
    EXPECT_TRUE(lost == lost_before || lost == lost_after) << lost << " bytes lost after " << steps_ << " instructions";
    if (options_.max_items != 0) expect_whole_list(copy_, found.object);
    plain_patience waiting;
    found.contents.clear(waiting);
    EXPECT_EQ(found.contents.set("new", std::string(300, 'n'), never, std::nullopt, waiting), map::outcome::done);
  }

  map_options options_;
  region original_;
  region copy_;
  opened_map map_;
  int steps_ = 0;
};

class MapDeath : public testing::Test {
 protected:
  void SetUp() override {
#ifdef FASTERAPI_SANITIZED
    GTEST_SKIP() << "an instrumented program has too many instructions";
#endif
  }
  plain_patience waiting_;
};

void store(map& to, std::string_view key, std::string_view value) {
  plain_patience waiting;
  to.set(key, value, never, std::nullopt, waiting);
}

TEST_F(MapDeath, FirstEntry) {
  every_instruction check({.max_items = 4});
  check.run([](map& m) { store(m, "key", std::string(40, 'x')); });
}

TEST_F(MapDeath, EntryThatEvictsAnother) {
  every_instruction check({.max_items = 3});
  for (const char* key : {"a", "b", "c"}) store(check.prepared(), key, std::string(40, 'x'));
  // Two steps for whoever looks: evicted, then stored. So it is done first.
  plain_patience waiting;
  check.prepared().remove("a", nullptr, waiting);
  check.run([](map& m) { store(m, "d", std::string(70, 'y')); });
}

TEST_F(MapDeath, EntryForWhichTheTableGrows) {
  every_instruction check({.max_items = 1000});
  for (int i = 0; i < 6; ++i) store(check.prepared(), std::to_string(i), "x");
  check.run([](map& m) { store(m, "one more", std::string(300, 'y')); });
}

TEST_F(MapDeath, LargerValue) {
  every_instruction check({.max_items = 4});
  store(check.prepared(), "key", std::string(40, 'x'));
  store(check.prepared(), "other", std::string(40, 'x'));
  check.run([](map& m) { store(m, "key", std::string(9'000, 'y')); });
}

TEST_F(MapDeath, SmallerValueInPlaceOfPages) {
  every_instruction check({.max_items = 4});
  store(check.prepared(), "key", std::string(9'000, 'x'));
  store(check.prepared(), "other", std::string(40, 'x'));
  check.run([](map& m) { store(m, "key", "y"); });
}

TEST_F(MapDeath, Sum) {
  every_instruction check({.max_items = 4});
  scalar sum;
  check.prepared().add("n", scalar::of(int64_t{41}), never, sum, waiting_);
  store(check.prepared(), "other", "x");
  check.run([](map& m) {
    plain_patience waiting;
    scalar after;
    m.add("n", scalar::of(int64_t{1}), never, after, waiting);
  });
}

TEST_F(MapDeath, Removal) {
  every_instruction check({.max_items = 4});
  for (const char* key : {"a", "b", "c"}) store(check.prepared(), key, std::string(40, 'x'));
  check.run([](map& m) {
    plain_patience waiting;
    m.remove("b", nullptr, waiting);
  });
}

// The same with the real kernel: processes are killed while several of them work on one map.
TEST(ProcessDeath, LeavesACountThatEverybodyAgreesOn) {
  const region where = region::create(size_t{8} << 20).take();
  opened_map opened = open_map(where, {});
  plain_patience waiting;
  std::mt19937 random(20240611);
  for (int round = 0; round < 60; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (uint64_t i = 0;; ++i) {
        scalar sum;
        opened.contents.add("started", scalar::of(int64_t{1}), never, sum, waiting);
        opened.contents.set(std::to_string(i % 500), std::string(i % 400, 'x'), never, std::nullopt, waiting);
        if (i % 7 == 0) opened.contents.remove(std::to_string(i % 250), nullptr, waiting);
        opened.contents.add("done", scalar::of(int64_t{1}), never, sum, waiting);
      }
    }
    // It dies somewhere in the middle of one of its first rounds.
    const auto enough = static_cast<int64_t>(random() % 300);
    const auto sum_of = [&](const char* key) {
      scalar sum;
      opened.contents.add(key, scalar::of(int64_t{0}), never, sum, waiting);
      return sum.integer;
    };
    for (const int64_t before = sum_of("started"); sum_of("started") < before + enough;) sched_yield();
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    for (const auto& [key, value] : contents_of(opened.contents)) {
      if (value.size() == scalar::encoded_bytes && value[0] == static_cast<char>(scalar::tag::integer)) continue;
      ASSERT_EQ(value, std::string(value.size(), 'x')) << key;
    }
    ASSERT_LE(sum_of("done"), sum_of("started"));
    ASSERT_LE(sum_of("started"), sum_of("done") + round + 1);  // each death may leave one round unfinished
  }
}

}  // namespace
}  // namespace fasterapi::shared
