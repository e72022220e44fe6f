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
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>

#include "shared/channel.h"
#include "shared/directory.h"
#include "shared/map.h"
#include "shared/queue.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define FASTERAPI_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define FASTERAPI_SANITIZED 1
#endif
#endif

namespace fasterapi::shared {
namespace {

constexpr size_t region_bytes = size_t{256} << 10;

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

// A structure as the tests see it, in a region and in copies of that region.
class subject {
 public:
  virtual ~subject() = default;
  // Looks at it in that region from now on.
  virtual void open(const region& in) = 0;
  virtual void operate() = 0;
  virtual domain& guarded() = 0;
  virtual contents read() = 0;  // may empty it, where it is a copy
  virtual void account(ledger& book) = 0;
  virtual void use_again() = 0;
};

// Runs an operation in a child, one instruction after the other, and looks at each: what if it had died there?
class every_instruction {
 public:
  explicit every_instruction(subject& of)
      : subject_(of), original_(region::create(region_bytes).take()), copy_(region::create(region_bytes).take()) {
    subject_.open(original_);
  }

  void run() {
    std::tie(before_, lost_before_) = state_of_copy([] {});
    std::tie(after_, lost_after_) = state_of_copy([this] { subject_.operate(); });
    subject_.open(original_);
    const pid_t child = start();
    int status = 0;
    for (steps_ = 0; WIFSTOPPED(status) || steps_ == 0; ++steps_) {
      look();
      if (testing::Test::HasFailure()) break;
      ASSERT_EQ(ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr), 0);
      waitpid(child, &status, 0);
    }
    kill(child, SIGKILL);
    if (WIFSTOPPED(status)) waitpid(child, &status, 0);
    EXPECT_GT(steps_, 300) << "the operation was not followed";
    EXPECT_EQ(state_of_copy([] {}).first, after_);
  }

 private:
  template <typename Change>
  std::pair<contents, uint64_t> state_of_copy(Change change) {
    std::memcpy(copy_.base(), original_.base(), region_bytes);
    subject_.open(copy_);
    kill_holder(reinterpret_cast<robust_lock&>(copy_.header().pages));
    kill_holder(subject_.guarded().lock);
    change();
    contents found = subject_.read();
    ledger book(copy_);
    subject_.account(book);
    return {std::move(found), book.unaccounted()};
  }

  pid_t start() {
    const pid_t child = fork();
    if (child == 0) {
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      raise(SIGSTOP);
      subject_.operate();
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSTOPPED(status));
    return child;
  }

  void look() {
    const auto [now, lost] = state_of_copy([] {});
    EXPECT_TRUE(now == before_ || now == after_) << "after " << steps_ << " instructions";
    EXPECT_TRUE(lost == lost_before_ || lost == lost_after_) << lost << " bytes lost after " << steps_;
    subject_.use_again();
  }

  subject& subject_;
  region original_;
  region copy_;
  contents before_, after_;
  uint64_t lost_before_ = 0, lost_after_ = 0;
  int steps_ = 0;
};

class Death : public testing::Test {
 protected:
  void SetUp() override {
#ifdef FASTERAPI_SANITIZED
    GTEST_SKIP() << "an instrumented program has too many instructions";
#endif
  }
};

// A bounded map, prepared by one function and changed by another.
class map_subject final : public subject {
 public:
  using change = std::function<void(map&)>;
  map_subject(uint64_t max_items, change prepare, change operation)
      : options_{.max_items = max_items}, prepare_(std::move(prepare)), operation_(std::move(operation)) {}

  void open(const region& in) override {
    region_ = &in;
    opened_.emplace(open_map(in, options_));
    if (const change prepare = std::exchange(prepare_, nullptr)) prepare(opened_->contents);
  }
  void operate() override { operation_(opened_->contents); }
  domain& guarded() override { return shard().guarded; }
  contents read() override { return contents_of(opened_->contents); }
  void account(ledger& book) override {
    book.add_map(opened_->object);
    expect_whole_list(*region_, opened_->object);
  }
  void use_again() override {
    plain_patience waiting;
    opened_->contents.clear(waiting);
    EXPECT_EQ(opened_->contents.set("new", std::string(300, 'n'), never, std::nullopt, waiting), map::outcome::done);
  }

 private:
  map_shard& shard() { return *reinterpret_cast<map_shard*>(reinterpret_cast<std::byte*>(&opened_->object) + 64); }

  map_options options_;
  change prepare_, operation_;
  const region* region_ = nullptr;
  std::optional<opened_map> opened_;
};

void store(map& to, std::string_view key, std::string_view value) {
  plain_patience waiting;
  to.set(key, value, never, std::nullopt, waiting);
}

void run_map(uint64_t max_items, map_subject::change prepare, map_subject::change operation) {
  map_subject subject(max_items, std::move(prepare), std::move(operation));
  every_instruction(subject).run();
}

void store_three(map& m) {
  for (const char* key : {"a", "b", "c"}) store(m, key, std::string(40, 'x'));
}

TEST_F(Death, FirstEntryOfAMap) {
  run_map(
      4, [](map&) {}, [](map& m) { store(m, "key", std::string(40, 'x')); });
}

TEST_F(Death, EntryOfAMapThatHasRemovedOne) {
  const auto prepare = [](map& m) {
    plain_patience waiting;
    store_three(m);
    m.remove("a", nullptr, waiting);
  };
  run_map(3, prepare, [](map& m) { store(m, "d", std::string(70, 'y')); });
}

TEST_F(Death, EntryForWhichTheTableGrows) {
  const auto prepare = [](map& m) {
    for (int i = 0; i < 6; ++i) store(m, std::to_string(i), "x");
  };
  run_map(1000, prepare, [](map& m) { store(m, "one more", std::string(300, 'y')); });
}

TEST_F(Death, ValueThatTakesPages) {
  run_map(4, store_three, [](map& m) { store(m, "b", std::string(9000, 'y')); });
}

TEST_F(Death, ValueInPlaceOfPages) {
  const auto prepare = [](map& m) {
    store_three(m);
    store(m, "b", std::string(9000, 'y'));
  };
  run_map(4, prepare, [](map& m) { store(m, "b", "y"); });
}

TEST_F(Death, Sum) {
  const auto add_one = [](map& m) {
    plain_patience waiting;
    scalar sum;
    m.add("n", scalar::of(int64_t{1}), never, sum, waiting);
  };
  run_map(
      4, [&](map& m) { add_one(m), store(m, "other", "x"); }, add_one);
}

TEST_F(Death, RemovalFromAMap) {
  run_map(4, store_three, [](map& m) {
    plain_patience waiting;
    m.remove("b", nullptr, waiting);
  });
}

template <typename Object, typename Options>
Object& open_as(const region& in, object_kind kind, const Options& options, size_t bytes) {
  plain_patience waiting;
  const object_plan plan{
      kind,
      {},
      bytes,
      [](void* memory, const void* context) { new (memory) Object(*static_cast<const Options*>(context)); },
      &options};
  return *static_cast<Object*>(open_object(in, "o", plan, waiting).take());
}

class queue_subject final : public subject {
 public:
  using change = std::function<void(queue&, const region&)>;
  queue_subject(change prepare, change operation) : prepare_(std::move(prepare)), operation_(std::move(operation)) {}

  void open(const region& in) override {
    region_ = &in;
    queue_ = &open_as<queue>(in, object_kind::queue, queue_options{4, 50'000}, sizeof(queue));
    if (const change prepare = std::exchange(prepare_, nullptr)) prepare(*queue_, in);
  }
  void operate() override { operation_(*queue_, *region_); }
  domain& guarded() override { return queue_->guarded(); }
  contents read() override {
    plain_patience waiting;
    contents found;
    const uint64_t size = queue_->size(*region_, waiting);
    core::byte_buffer out;
    for (; queue_->get(*region_, out, waiting); out.clear()) found[std::to_string(found.size())] = out.view();
    EXPECT_EQ(found.size(), size);
    return found;
  }
  void account(ledger& book) override { book.add_free_blocks(queue_->guarded()); }
  void use_again() override {
    plain_patience waiting;
    EXPECT_EQ(queue_->put(*region_, std::string(50'000, 'n'), waiting), queue::outcome::done);
  }

 private:
  change prepare_, operation_;
  const region* region_ = nullptr;
  queue* queue_ = nullptr;
};

void put_item(queue& to, const region& in, size_t bytes) {
  plain_patience waiting;
  EXPECT_EQ(to.put(in, std::string(bytes, 'x'), waiting), queue::outcome::done);
}

void take_item(queue& from, const region& in) {
  plain_patience waiting;
  core::byte_buffer out;
  from.get(in, out, waiting);
}

void run_queue(std::initializer_list<size_t> before, queue_subject::change operation) {
  queue_subject subject(
      [=](queue& q, const region& in) {
        for (const size_t bytes : before) put_item(q, in, bytes);
      },
      std::move(operation));
  every_instruction(subject).run();
}

TEST_F(Death, FirstItemOfAQueue) {
  run_queue({}, [](queue& q, const region& in) { put_item(q, in, 100); });
}
TEST_F(Death, LargeItemOfAQueue) {
  run_queue({10}, [](queue& q, const region& in) { put_item(q, in, 9000); });
}
TEST_F(Death, OnlyItemIsTaken) { run_queue({100}, take_item); }
TEST_F(Death, LargeItemIsTaken) { run_queue({9000, 10}, take_item); }

class channel_subject final : public subject {
 public:
  void open(const region& in) override {
    plain_patience waiting;
    region_ = &in;
    const channel_options options{3, 50'000};
    channel_ = &open_as<channel>(in, object_kind::channel, options, channel::bytes(options));
    if (std::exchange(is_fresh_, false)) {
      first_ = channel_->subscribe(in, waiting);
      publish(100);
      publish(9000);
    }
  }
  void operate() override { publish(2000); }
  domain& guarded() override { return channel_->guarded(); }
  contents read() override {
    plain_patience waiting;
    contents found;
    core::byte_buffer out;
    for (channel::position at = first_; channel_->read(*region_, at, out, waiting); out.clear()) {
      found[std::to_string(found.size())] = out.view();
    }
    return found;
  }
  void account(ledger&) override {}
  void use_again() override { publish(20'000); }

 private:
  void publish(size_t bytes) {
    plain_patience waiting;
    uint64_t subscribers = 0;
    EXPECT_EQ(channel_->publish(*region_, std::string(bytes, 'm'), subscribers, waiting), channel::outcome::done);
  }

  bool is_fresh_ = true;
  const region* region_ = nullptr;
  channel* channel_ = nullptr;
  channel::position first_ = {};
};

TEST_F(Death, MessageOfAChannel) {
  channel_subject subject;
  every_instruction(subject).run();
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
