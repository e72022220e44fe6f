#include "server/busy_meter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace fasterapi::server {
namespace {

constexpr int64_t slow_ns = 3 * busy_meter::look_closer_ns;

void fast() {}
void sleep() { std::this_thread::sleep_for(std::chrono::nanoseconds(slow_ns)); }

template <int64_t span_ns>
void compute() {
  const int64_t begun = core::thread_cpu_ns();
  while (core::thread_cpu_ns() - begun < span_ns) {
  }
}
constexpr auto compute_a_little = compute<slow_ns>;
constexpr auto compute_long = compute<2 * busy_meter::doubtful_ns>;

class BusyMeterTest : public testing::Test {
 protected:
  BusyMeterTest() {
    core::ticks::prepare();
    tested.begin_turn();
  }
  int64_t measure(void (*handler)(), bool judged = true) {
    tested.begin(judged, returned);
    handler();
    return tested.end(returned, {});
  }
  // A moment that lies after the last one.
  static core::ticks later() {
    const core::ticks from = core::ticks::now();
    core::ticks at = from;
    while (at.ns_since(from) == 0) at = core::ticks::now();
    return at;
  }

  busy_meter tested;
  lease::returns returned;
};

TEST_F(BusyMeterTest, KnowsHandlersThatWait) {
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
  EXPECT_GE(measure(sleep), slow_ns);
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
  EXPECT_TRUE(tested.turn_is_full());
}

TEST_F(BusyMeterTest, KnowsHandlersThatComputeForLong) {
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
  EXPECT_GT(measure(compute_long), busy_meter::doubtful_ns);
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
}

TEST_F(BusyMeterTest, DoubtsALittleComputingOnce) {
  // The kernel may have counted less of the first one by now: then that was not even doubted.
  int doubted = 0;
  while (measure(compute_a_little) <= busy_meter::look_closer_ns) ++doubted;
  EXPECT_GE(doubted, 1);
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
}

TEST_F(BusyMeterTest, WhatOthersOfItsTurnComputedIsNotTheHandlers) {
  while (measure(compute_a_little) <= busy_meter::look_closer_ns) continue;
  // From here on handlers are measured closely.
  for (int i = 0; i < 10; ++i) {
    compute_a_little();
    EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
  }
}

TEST_F(BusyMeterTest, WhatComesAfterItsEndIsNotTheHandlers) {
  tested.begin(false, returned);
  const core::ticks answered = later();
  sleep();
  const core::ticks afterwards = core::ticks::now();
  EXPECT_LT(tested.end(returned, answered), afterwards.ns_since(answered));
}

TEST_F(BusyMeterTest, WaitingForTheShardIsNotTheHandlers) {
  tested.begin(true, returned);
  const int64_t pauses = core::thread_usage::now().pauses;
  sleep();
  returned.pauses += core::thread_usage::now().pauses - pauses;
  EXPECT_LT(tested.end(returned, core::ticks::now()), slow_ns);
  // What it knows of the waits of before is not the next one's either.
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
  EXPECT_GE(measure(sleep), slow_ns);
}

TEST_F(BusyMeterTest, ATurnBeginsEmpty) {
  measure(sleep);
  tested.begin_turn();
  EXPECT_FALSE(tested.turn_is_full());
}

}  // namespace
}  // namespace fasterapi::server
