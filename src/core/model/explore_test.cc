#include "core/model/explore.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "core/model/atomics.h"

// The model checker itself: small programs whose outcomes the C++ standard settles.
namespace fasterapi::core::model {
namespace {

using number = atomics::atomic<int>;

bool names(const verdict& found, const char* fault) { return found.fault.find(fault) != std::string::npos; }

verdict message_passing(std::memory_order publish, std::memory_order look) {
  return explore([=] {
    atomics::plain<int> message{0};
    number ready{0};
    run_threads({[&] {
                   message = 42;
                   ready.store(1, publish);
                 },
                 [&] {
                   if (ready.load(look) == 1) check(message == 42, "the message is there");
                 }});
  });
}

TEST(Explore, AcquireSeesWhatReleasePublished) {
  EXPECT_TRUE(message_passing(std::memory_order_release, std::memory_order_acquire).sound());
}

TEST(Explore, FindsTheRaceOfRelaxedPublication) {
  EXPECT_TRUE(names(message_passing(std::memory_order_relaxed, std::memory_order_acquire), "data race"));
  EXPECT_TRUE(names(message_passing(std::memory_order_release, std::memory_order_relaxed), "data race"));
}

// All pairs that two threads end with.
template <typename First, typename Second>
std::set<std::pair<int, int>> outcomes(First first, Second second) {
  std::set<std::pair<int, int>> seen;
  const verdict done = explore([&] {
    number x{0};
    number y{0};
    int left = 0;
    int right = 0;
    run_threads({[&] { left = first(x, y); }, [&] { right = second(x, y); }});
    seen.emplace(left, right);
  });
  EXPECT_TRUE(done.sound()) << done.fault;
  return seen;
}

std::set<std::pair<int, int>> store_then_look(std::memory_order store, std::memory_order load) {
  return outcomes(
      [=](number& x, number& y) {
        x.store(1, store);
        return y.load(load);
      },
      [=](number& x, number& y) {
        y.store(1, store);
        return x.load(load);
      });
}

TEST(Explore, BothSidesMissEachOtherUnlessSequential) {
  const std::pair both_missed{0, 0};
  EXPECT_EQ(store_then_look(std::memory_order_release, std::memory_order_acquire).count(both_missed), 1U);
  EXPECT_EQ(store_then_look(std::memory_order_seq_cst, std::memory_order_acquire).count(both_missed), 1U);
  EXPECT_EQ(store_then_look(std::memory_order_seq_cst, std::memory_order_seq_cst),
            (std::set<std::pair<int, int>>{{0, 1}, {1, 0}, {1, 1}}));
}

TEST(Explore, OneThreadNeverSeesAWordGoBack) {
  const auto seen = outcomes(
      [](number& x, number&) {
        x.store(1, std::memory_order_relaxed);
        x.store(2, std::memory_order_relaxed);
        return 0;
      },
      [](number& x, number&) {
        const int before = x.load(std::memory_order_relaxed);
        return before * 10 + x.load(std::memory_order_relaxed);
      });
  EXPECT_EQ(seen, (std::set<std::pair<int, int>>{{0, 0}, {0, 1}, {0, 2}, {0, 11}, {0, 12}, {0, 22}}));
}

// Two writers, and two readers that look at the words in opposite orders.
bool readers_may_disagree(std::memory_order order) {
  bool disagreed = false;
  const verdict done = explore([&] {
    number x{0};
    number y{0};
    std::array<int, 4> seen{};
    run_threads({[&] { x.store(1, order); }, [&] { y.store(1, order); },
                 [&] {
                   seen[0] = x.load(order);
                   seen[1] = y.load(order);
                 },
                 [&] {
                   seen[2] = y.load(order);
                   seen[3] = x.load(order);
                 }});
    disagreed |= seen == std::array<int, 4>{1, 0, 1, 0};
  });
  EXPECT_TRUE(done.sound()) << done.fault;
  return disagreed;
}

TEST(Explore, ReadersAgreeOnlyInSequentialOrder) {
  EXPECT_TRUE(readers_may_disagree(std::memory_order_relaxed));
  EXPECT_FALSE(readers_may_disagree(std::memory_order_seq_cst));
}

verdict published_through_a_counter(bool by_update) {
  return explore([=] {
    atomics::plain<int> message{0};
    number stage{0};
    run_threads({[&] {
                   message = 7;
                   stage.store(1, std::memory_order_release);
                 },
                 [&] {
                   if (by_update) {
                     stage.fetch_add(2, std::memory_order_relaxed);
                   } else if (stage.load(std::memory_order_relaxed) == 1) {
                     stage.store(3, std::memory_order_relaxed);
                   }
                 },
                 [&] {
                   if (stage.load(std::memory_order_acquire) == 3) check(message == 7, "the message is there");
                 }});
  });
}

TEST(Explore, AnUpdateContinuesAReleaseAndAStoreDoesNot) {
  EXPECT_TRUE(published_through_a_counter(true).sound());
  EXPECT_TRUE(names(published_through_a_counter(false), "data race"));
}

TEST(Explore, LooksAtEachOrderOnce) {
  const auto executions = [](bool same_word) {
    const verdict done = explore([&] {
      std::array<number, 3> words{0, 0, 0};
      const auto add = [&](size_t thread) {
        return [&, thread] { words[same_word ? 0 : thread].fetch_add(1, std::memory_order_relaxed); };
      };
      run_threads({add(0), add(1), add(2)});
      check(words[0] + words[1] + words[2] == 3, "no update is lost");
    });
    EXPECT_TRUE(done.sound()) << done.fault;
    return done.executions;
  };
  EXPECT_EQ(executions(false), 1U);
  EXPECT_EQ(executions(true), 6U);
}

TEST(Explore, FindsTheLostUpdate) {
  const verdict found = explore([] {
    number count{0};
    const auto add = [&] { count.store(count.load() + 1); };
    run_threads({add, add});
    check(count.load() == 2, "no update is lost");
  });
  EXPECT_TRUE(names(found, "no update is lost"));
  EXPECT_NE(found.fault.find("thread 1 loads"), std::string::npos) << found.fault;
}

TEST(Explore, SaysWhenThereIsTooMuchToLookAt) {
  const auto scenario = [] {
    number word{0};
    const auto add = [&] {
      for (int i = 0; i < 6; ++i) word.fetch_add(1);
    };
    run_threads({add, add, add});
  };
  const verdict stopped = explore(scenario, {.executions_max = 100});
  EXPECT_EQ(stopped.executions, 100U);
  EXPECT_FALSE(stopped.complete);
  EXPECT_FALSE(stopped.sound());
}

TEST(Explore, FindsSleepWithoutEnd) {
  const verdict found = explore([] {
    atomics::atomic<uint32_t> word{0};
    run_threads({[&] {
                   while (word.load(std::memory_order_acquire) == 0) atomics::wait(word, 0);
                 },
                 [&] { word.store(1, std::memory_order_release); }});  // and no wake
  });
  EXPECT_TRUE(names(found, "nobody can go on"));
}

TEST(Explore, AWakeAfterTheChangeIsNotLost) {
  const verdict done = explore([] {
    atomics::atomic<uint32_t> word{0};
    const auto sleeper = [&] {
      while (word.load(std::memory_order_acquire) == 0) atomics::wait(word, 0);
    };
    run_threads({sleeper, sleeper, [&] {
                   word.store(1, std::memory_order_release);
                   atomics::wake(word, 2);
                 }});
  });
  EXPECT_TRUE(done.sound()) << done.fault;
}

TEST(Explore, ADeadlineEndsASleep) {
  int ended_by_deadline = 0;
  int woken = 0;
  const verdict done = explore([&] {
    atomics::atomic<uint32_t> word{0};
    run_threads({[&] { ++(atomics::wait(word, 0, 5) ? woken : ended_by_deadline); },
                 [&] {
                   word.store(1);
                   atomics::wake(word, 1);
                 }});
  });
  EXPECT_TRUE(done.sound()) << done.fault;
  EXPECT_GT(ended_by_deadline, 0);
  EXPECT_GT(woken, 0);
}

TEST(Explore, AWaitingLoopEndsWhenTheOtherSideWrites) {
  const auto spin_until = [](int last) {
    return explore([=] {
      number word{0};
      run_threads({[&] {
                     while (word.load(std::memory_order_relaxed) != 2) atomics::pause();
                   },
                   [&] { word.store(1); }, [&] { word.store(last); }});
    });
  };
  EXPECT_TRUE(names(spin_until(3), "nobody can go on"));
  EXPECT_TRUE(names(spin_until(2), "nobody can go on"));  // the 1 may come last
  const verdict done = explore([] {
    number word{0};
    run_threads({[&] {
                   while (word.load(std::memory_order_relaxed) != 2) atomics::pause();
                 },
                 [&] {
                   word.store(1);
                   word.store(2);
                 }});
  });
  EXPECT_TRUE(done.sound()) << done.fault;
}

TEST(Explore, FindsALoopWithoutEnd) {
  const verdict found = explore([] {
    number word{0};
    run_threads({[&] {
      for (;;) word.store(1);
    }});
  });
  EXPECT_TRUE(names(found, "a loop without end"));
}

verdict last_one_frees(std::memory_order order) {
  return explore([=] {
    struct shared {
      number owners{2};
      atomics::plain<int> value{0};
    };
    alignas(shared) std::array<std::byte, sizeof(shared)> place;
    auto* one = new (place.data()) shared;
    const auto drop = [&, one] {
      if (one->owners.fetch_sub(1, order) == 1) one->~shared();
    };
    run_threads({[&, one] {
                   one->value = 1;
                   drop();
                 },
                 drop});
  });
}

TEST(Explore, FindsDestructionBesideUse) {
  EXPECT_TRUE(last_one_frees(std::memory_order_acq_rel).sound());
  EXPECT_TRUE(names(last_one_frees(std::memory_order_release), "data race"));
  EXPECT_TRUE(names(last_one_frees(std::memory_order_relaxed), "data race"));
}

// The first thread destroys a word; the second uses it before, after, or at the same time.
verdict destroy_and_use(bool first_destroys) {
  return explore([=] {
    alignas(number) std::array<std::byte, sizeof(number)> place;
    auto* word = new (place.data()) number(0);
    number gone{0};
    run_threads({[&, word] {
                   if (!first_destroys) gone.store(1, std::memory_order_release);
                   word->~atomic();
                   if (first_destroys) gone.store(1, std::memory_order_release);
                 },
                 [&, word] {
                   if (gone.load(std::memory_order_acquire) == 1) word->load();
                 }});
  });
}

TEST(Explore, FindsUseAfterDestruction) {
  EXPECT_TRUE(names(destroy_and_use(true), "used after its destruction"));
  EXPECT_FALSE(destroy_and_use(false).sound());
}

TEST(Explore, NoticesAScenarioThatDoesNotRepeat) {
  int runs = 0;
  const verdict found = explore([&] {
    number word{0};
    ++runs;
    const auto add = [&] { word.fetch_add(1); };
    const auto sometimes = [&] {
      if (runs % 2 == 0) word.fetch_add(1);
    };
    run_threads({add, sometimes, add});
  });
  EXPECT_TRUE(names(found, "does not repeat itself"));
}

}  // namespace
}  // namespace fasterapi::core::model
