#include "server/placement.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <thread>

namespace fasterapi::server {

namespace {

using site = placement::site;
using cause = placement::cause;

constexpr int64_t fast = placement::fast_ns - 1;
constexpr int64_t slow = placement::slow_ns + 1;

// Handlers that together keep the shard for longer than a turn should take, none of them alone.
void fill(busy_meter& turn) {
  core::ticks::prepare();
  // What one of them waits for a CPU meanwhile does not count.
  for (int handlers = 0; handlers < 100 && !turn.turn_is_full(); ++handlers) {
    turn.begin(true, {});
    const core::ticks begun = core::ticks::now();
    while (core::ticks::now().ns_since(begun) <= busy_meter::turn_max_ns / 3) {
    }
    turn.end({}, {});
  }
  EXPECT_TRUE(turn.turn_is_full());
}

struct PlacementTest : testing::Test {
  bool define(run_mode run, bool is_async = false) {
    const std::array facts{placement::route_facts{"GET /other (other)", run_mode::inlined, false},
                           placement::route_facts{"GET /x (x)", run, is_async}};
    return tested.define(facts);
  }
  void run_fast(uint32_t calls) {
    for (uint32_t i = 0; i < calls; ++i) tested.ran_in_pool(1, fast);
  }

  int64_t now = 7;
  std::vector<std::string> told;
  placement tested{[this] { return now; },
                   [this](const placement::move&, const std::string& label) { told.push_back(label); }};
};

TEST_F(PlacementTest, RoutesAreThoseThatWereDefinedFirst) {
  EXPECT_TRUE(define(run_mode::automatic));
  EXPECT_TRUE(define(run_mode::automatic));
  EXPECT_FALSE(tested.define(std::array{placement::route_facts{"GET /other (other)", run_mode::inlined, false}}));
  EXPECT_FALSE(tested.define(std::array{placement::route_facts{"GET /x (x)", run_mode::inlined, false},
                                        placement::route_facts{"GET /other (other)", run_mode::inlined, false}}));
  EXPECT_EQ(tested.routes(), 2U);
}

TEST_F(PlacementTest, AFunctionStartsInThePoolAndMovesOnceItIsProvedFast) {
  define(run_mode::automatic);
  run_fast(placement::proof_calls - 1);
  EXPECT_EQ(tested.where(1), site::pool);
  tested.ran_in_pool(1, fast);
  EXPECT_EQ(tested.where(1), site::shard);
  EXPECT_EQ(tested.where(0), site::shard);
  ASSERT_EQ(tested.moves().size(), 1U);
  const placement::move moved = tested.moves().front();
  EXPECT_EQ(moved.route, 1U);
  EXPECT_EQ(moved.from, site::pool);
  EXPECT_EQ(moved.to, site::shard);
  EXPECT_EQ(moved.why, cause::proved_fast);
  EXPECT_EQ(moved.measured_ns, fast);
  EXPECT_EQ(moved.at_ns, 7);
  EXPECT_EQ(moved.calls, placement::proof_calls);
  EXPECT_EQ(told, std::vector<std::string>{"GET /x (x)"});
}

TEST_F(PlacementTest, TheProofIsOfCallsInARow) {
  define(run_mode::automatic);
  run_fast(placement::proof_calls - 1);
  tested.ran_in_pool(1, placement::fast_ns);
  run_fast(placement::proof_calls - 1);
  EXPECT_EQ(tested.where(1), site::pool);
}

TEST_F(PlacementTest, OneSlowCallMovesItBackAtOnce) {
  define(run_mode::automatic);
  run_fast(placement::proof_calls);
  tested.ran_on_shard(1, placement::slow_ns);
  EXPECT_EQ(tested.where(1), site::shard);
  tested.ran_on_shard(1, slow);
  EXPECT_EQ(tested.where(1), site::pool);
  EXPECT_EQ(tested.moves().back().why, cause::ran_slow);
  EXPECT_EQ(tested.moves().back().calls, 2 * placement::proof_calls);
}

TEST_F(PlacementTest, EachMoveBackDoublesTheProofUpToABound) {
  define(run_mode::automatic);
  uint32_t asked = placement::proof_calls;
  for (uint32_t demotions = 0; demotions < placement::doublings_max + 3; ++demotions) {
    run_fast(asked - 1);
    ASSERT_EQ(tested.where(1), site::pool) << demotions;
    run_fast(1);
    ASSERT_EQ(tested.where(1), site::shard) << demotions;
    tested.ran_on_shard(1, slow);
    if (demotions < placement::doublings_max) asked *= 2;
  }
  EXPECT_EQ(asked, placement::proof_calls << placement::doublings_max);
}

TEST_F(PlacementTest, WhatWasChosenStays) {
  for (const auto& [run, expected] : {std::pair{run_mode::inlined, site::shard}, {run_mode::pooled, site::pool}}) {
    placement chosen([] { return int64_t{0}; });
    chosen.define(std::array{placement::route_facts{"GET /x (x)", run, false}});
    for (uint32_t i = 0; i < placement::proof_calls; ++i) chosen.ran_in_pool(0, fast);
    chosen.ran_on_shard(0, slow);
    EXPECT_EQ(chosen.where(0), expected);
    EXPECT_TRUE(chosen.moves().empty());
  }
}

TEST_F(PlacementTest, ACoroutineRunsOnTheShardsThread) {
  define(run_mode::automatic, true);
  EXPECT_EQ(tested.where(1), site::shard);
  tested.ran_on_shard(1, slow);
  EXPECT_EQ(tested.where(1), site::shard);
}

TEST_F(PlacementTest, ThePoolIsChosenForACoroutineWhereItIsAskedFor) {
  define(run_mode::pooled, true);
  EXPECT_EQ(tested.where(1), site::pool);
}

TEST_F(PlacementTest, AFullTurnSendsWhatMayMoveToAnIdleThread) {
  define(run_mode::automatic);
  run_fast(placement::proof_calls);
  const auto idle = [] { return true; };
  busy_meter turn;
  turn.begin_turn();
  EXPECT_EQ(tested.where(1, turn, idle), site::shard);
  fill(turn);
  EXPECT_EQ(tested.where(1, turn, idle), site::pool);
  EXPECT_EQ(tested.where(1, turn, [] { return false; }), site::shard);
  EXPECT_EQ(tested.where(0, turn, idle), site::shard) << "its route says so";
  turn.begin_turn();
  EXPECT_EQ(tested.where(1, turn, idle), site::shard);
  EXPECT_EQ(tested.moves_made(), 1U);
}

TEST_F(PlacementTest, ACoroutineStaysInAFullTurn) {
  define(run_mode::automatic, true);
  busy_meter turn;
  fill(turn);
  EXPECT_EQ(tested.where(1, turn, [] { return true; }), site::shard);
}

TEST_F(PlacementTest, OnlyTheLastMovesAreKept) {
  define(run_mode::automatic);
  for (size_t i = 0; i < placement::moves_max; ++i) {
    run_fast(placement::proof_calls << std::min<size_t>(i, placement::doublings_max));
    now = static_cast<int64_t>(i);
    tested.ran_on_shard(1, slow);
  }
  EXPECT_EQ(tested.moves().size(), placement::moves_max);
  EXPECT_EQ(tested.moves_made(), 2 * placement::moves_max);
  EXPECT_EQ(tested.moves().back().at_ns, static_cast<int64_t>(placement::moves_max) - 1);
}

TEST_F(PlacementTest, LaterDefinitionsChangeNothing) {
  define(run_mode::automatic);
  define(run_mode::inlined);
  EXPECT_EQ(tested.where(1), site::pool);
  EXPECT_EQ(tested.routes(), 2U);
}

// Random run times at a simulated clock: however they come, a route moves at most a number of times that grows with the
// logarithm of the calls.
TEST_F(PlacementTest, CannotFlap) {
  define(run_mode::automatic);
  std::mt19937 random(5);
  std::uniform_int_distribution<int> percent(0, 99);
  constexpr int calls = 1'000'000;
  for (int i = 0; i < calls; ++i) {
    now += 1000;
    const bool is_slow = percent(random) == 0;
    if (tested.where(1) == site::pool) {
      tested.ran_in_pool(1, is_slow ? slow : fast);
    } else {
      tested.ran_on_shard(1, is_slow ? slow : fast);
    }
  }
  EXPECT_LE(tested.moves_made(), 24U);
}

TEST_F(PlacementTest, OneOfManyThreadsMovesARoute) {
  define(run_mode::automatic);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int call = 0; call < 20'000; ++call) {
        if (tested.where(1) == site::pool) {
          tested.ran_in_pool(1, fast);
        } else {
          tested.ran_on_shard(1, call % 1000 == 0 ? slow : fast);
        }
      }
    });
  }
  for (std::thread& each : threads) each.join();
  const auto moves = tested.moves();
  ASSERT_FALSE(moves.empty());
  EXPECT_EQ(moves.size(), told.size() < placement::moves_max ? told.size() : placement::moves_max);
  EXPECT_EQ(tested.moves_made(), told.size());
}

}  // namespace

}  // namespace fasterapi::server
