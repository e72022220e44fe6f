#include "server/busy_meter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

namespace fasterapi::server {
namespace {

constexpr int64_t slow_ns = 3 * busy_meter::look_closer_ns;

void fast() {}
void sleep() { std::this_thread::sleep_for(std::chrono::nanoseconds(slow_ns)); }

int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void compute() {
  const int64_t begun = cpu_ns();
  while (cpu_ns() - begun < slow_ns) {
  }
}

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

TEST_F(BusyMeterTest, KnowsHandlersThatCompute) {
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
  EXPECT_GE(measure(compute), slow_ns - 1'000);
  EXPECT_LE(measure(fast), busy_meter::look_closer_ns);
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
