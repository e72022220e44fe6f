#include "core/parking.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace fasterapi::core {
namespace {

TEST(Parking, TellsWhoSleeps) {
  parking<> places(2);
  EXPECT_FALSE(places.anyone_asleep());
  places.announce(1);
  EXPECT_TRUE(places.anyone_asleep());
  EXPECT_FALSE(places.sleeps(0));
  EXPECT_TRUE(places.sleeps(1));
  EXPECT_TRUE(places.cancel(1));
  EXPECT_FALSE(places.anyone_asleep());
}

TEST(Parking, WakesEachSleeperOnce) {
  parking<> places(1);
  places.announce(0);
  EXPECT_TRUE(places.wake(0));
  EXPECT_FALSE(places.wake(0));
  EXPECT_FALSE(places.cancel(0));
  places.sleep(0);  // returns: it was woken after it had announced itself
  EXPECT_FALSE(places.anyone_asleep());
}

// Work is a number that consumers take one from; each sleeps at its spot while there is none.
TEST(Parking, LosesNoWakeUp) {
  constexpr int total = 20'000;
  constexpr size_t consumers = 3;
  parking<> places(consumers);
  std::atomic<int> work = 0, taken = 0;
  const auto take = [&] {
    int before = work.load();
    while (before > 0 && !work.compare_exchange_weak(before, before - 1)) continue;
    return before > 0;
  };
  std::vector<std::thread> threads;
  for (size_t spot = 0; spot < consumers; ++spot) {
    threads.emplace_back([&, spot] {
      while (taken.load() < total) {
        if (take()) {
          ++taken;
          continue;
        }
        places.announce(spot);
        if (work.load() > 0 || taken.load() >= total) {
          places.cancel(spot);
        } else {
          places.sleep(spot);
        }
      }
      for (size_t other = 0; other < consumers; ++other) places.wake(other);
    });
  }
  for (int i = 0; i < total; ++i) {
    work.fetch_add(1);
    if (!places.anyone_asleep()) continue;
    for (size_t spot = 0; spot < consumers && !places.wake(spot); ++spot) continue;
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(taken.load(), total);
}

}  // namespace
}  // namespace fasterapi::core
