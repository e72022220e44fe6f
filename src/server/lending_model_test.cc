#include <gtest/gtest.h>

#include <cstdint>

#include "core/model/atomics.h"
#include "core/model/explore.h"
#include "server/lending.h"

// Executions of an owner that goes away and comes back while a watcher takes what it left and a keeper uses it.
namespace fasterapi::server {
namespace {

using core::model::atomics;
using core::model::check;
using core::model::explore;
using core::model::run_threads;
using core::model::verdict;

// Two full fences: of two that pass, the later sees what the earlier stored before.
struct full_fences {
  static void light() { meet(); }
  static void heavy() { meet(); }

 private:
  friend class house;
  static void meet() { meeting_point->fetch_add(0, std::memory_order_seq_cst); }
  static inline atomics::atomic<uint32_t>* meeting_point = nullptr;
};

struct no_fences {
  static void light() {}
  static void heavy() {}
};

class house {
 public:
  house() { full_fences::meeting_point = &meeting_; }

 private:
  atomics::atomic<uint32_t> meeting_{0};
};

template <typename Fences>
class scene {
 public:
  // Goes away and comes back `times`, and changes the thing in between.
  void own(int times) {
    for (int i = 0; i < times; ++i) {
      thing_ = thing_ + 1;
      lent_.leave();
      if (!lent_.enter()) lent_.take_back([this] { ring(); });
      ++changes_;
    }
    thing_ = thing_ + 1;
    ++changes_;
  }

  // Looks once, takes the thing if its owner is away, and keeps it until it is wanted.
  void watch_and_keep() {
    const uint64_t seen = lent_.section();
    if (!decltype(lent_)::is_away(seen) || !lent_.try_take(seen)) return;
    thing_ = thing_ + 1;
    ++taken_;
    for (;;) {
      const uint32_t rung = bell_.load(std::memory_order_acquire);
      if (lent_.wanted()) break;
      atomics::wait(bell_, rung);
    }
    thing_ = thing_ + 1;
    ++taken_;
    lent_.give_back();
  }

  // Looks once, takes the thing if its owner is away, and gives it back at once, wanted or not.
  void watch_and_touch() {
    const uint64_t seen = lent_.section();
    if (!decltype(lent_)::is_away(seen) || !lent_.try_take(seen)) return;
    thing_ = thing_ + 1;
    ++taken_;
    lent_.give_back();
  }

  void settle() {
    check(!lent_.is_taken(), "the owner has it back");
    check(thing_ == changes_ + taken_, "no change is lost");
  }

 private:
  void ring() {
    bell_.fetch_add(1, std::memory_order_release);
    atomics::wake(bell_, 1);
  }

  house around_;
  lending<atomics, Fences> lent_;
  atomics::plain<int> thing_{0};
  atomics::atomic<uint32_t> bell_{0};
  int changes_ = 0;  // the owner's
  int taken_ = 0;    // the keeper's
};

template <typename Fences>
verdict owner_and_watcher(int times) {
  return explore([=] {
    scene<Fences> of;
    run_threads({[&] { of.own(times); }, [&] { of.watch_and_keep(); }});
    of.settle();
  });
}

TEST(LendingExecutions, TheThingHasOneHolderAtATime) {
  for (const int times : {1, 2}) {
    const verdict found = owner_and_watcher<full_fences>(times);
    EXPECT_EQ(found.fault, "");
    EXPECT_TRUE(found.complete);
    EXPECT_GE(found.executions, 10U);
  }
}

TEST(LendingExecutions, TheThingMayBeGivenBackBeforeItIsWanted) {
  const verdict found = explore([] {
    scene<full_fences> of;
    run_threads({[&] { of.own(2); }, [&] { of.watch_and_touch(); }});
    of.settle();
  });
  EXPECT_EQ(found.fault, "");
  EXPECT_TRUE(found.complete);
  EXPECT_GE(found.executions, 10U);
}

TEST(LendingExecutions, WithoutTheFencesBothWouldHoldIt) {
  const verdict found = owner_and_watcher<no_fences>(1);
  EXPECT_NE(found.fault, "");
}

}  // namespace
}  // namespace fasterapi::server
