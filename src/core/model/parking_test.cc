#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "core/model/atomics.h"
#include "core/model/explore.h"
#include "core/parking.h"
#include "fasterapi/core/mpmc_queue.h"

// Executions of threads that sleep for want of work while others bring some, as an executor's workers do.
namespace fasterapi::core::model {
namespace {

// What a worker does that waits.
struct habits {
  bool looks_again = true;  // after saying that it is about to sleep
  bool passes_on = true;    // wakes another when there is more than it takes itself
};

template <typename Atomics>
class workplace {
 public:
  workplace(size_t workers, const habits& of_workers) : parked_(workers), spots_(workers), habits_(of_workers) {}

  void bring(int number) {
    check(queue_.try_push(tracked(number)), "there is room");
    announce();
  }

  // Until there is something to take. Then the worker is busy for good.
  void work(size_t spot) {
    for (;;) {
      parked_.announce(spot);
      if (habits_.looks_again && take()) {
        if (!parked_.cancel(spot)) announce();
        break;
      }
      parked_.sleep(spot);
      if (take()) break;
    }
    if (habits_.passes_on && queue_.size_approx() > 0) announce();
  }

  int taken() const { return taken_; }

 private:
  void announce() {
    if (!parked_.anyone_asleep()) return;
    for (size_t spot = 0; spot < spots_; ++spot) {
      if (parked_.wake(spot)) return;
    }
  }
  bool take() {
    const bool found = queue_.try_pop().has_value();
    taken_ += found;
    return found;
  }

  mpmc_queue<tracked, Atomics> queue_{2};
  parking<Atomics> parked_;
  const size_t spots_;
  const habits habits_;
  int taken_ = 0;
};

template <typename Atomics = atomics>
verdict one_brings_for_one(const habits& of_worker = {}) {
  return explore([=] {
    workplace<Atomics> place(1, of_worker);
    run_threads({[&] { place.bring(1); }, [&] { place.work(0); }});
    check(place.taken() == 1, "the work is taken");
  });
}

verdict one_brings_for_two(size_t preemptions_max) {
  return explore(
      [] {
        workplace<atomics> place(2, {});
        run_threads({[&] {
                       place.bring(1);
                       place.bring(2);
                     },
                     [&] { place.work(0); }, [&] { place.work(1); }});
        check(place.taken() == 2, "the work is taken");
      },
      {.preemptions_max = preemptions_max});
}

verdict two_bring_for_two(const habits& of_workers, size_t preemptions_max) {
  return explore(
      [=] {
        workplace<atomics> place(2, of_workers);
        run_threads({[&] { place.bring(1); }, [&] { place.bring(2); }, [&] { place.work(0); }, [&] { place.work(1); }});
        check(place.taken() == 2, "the work is taken");
      },
      {.preemptions_max = preemptions_max});
}

void expect_sound(const verdict& found, uint64_t executions_min) {
  EXPECT_EQ(found.fault, "");
  EXPECT_TRUE(found.complete);
  EXPECT_GE(found.executions, executions_min);
}

void expect_lost_wake(const verdict& found) {
  EXPECT_NE(found.fault.find("nobody can go on"), std::string::npos) << "found instead: " << found.fault;
}

TEST(ParkingExecutions, NoWakeIsLost) {
  expect_sound(one_brings_for_one(), 10);
  // All executions of these would take hours: those with few preemptions are looked at.
  expect_sound(one_brings_for_two(2), 1000);
  expect_sound(two_bring_for_two({}, 1), 1000);
}

TEST(ParkingExecutions, AWorkerThatDoesNotLookAgainSleepsOn) {
  expect_lost_wake(one_brings_for_one(habits{.looks_again = false}));
}

// While the first push is in progress it hides the second: the worker woken for that one finds nothing and sleeps
// again.
TEST(ParkingExecutions, AWorkerThatDoesNotPassOnLeavesWorkBehind) {
  expect_lost_wake(two_bring_for_two({.passes_on = false}, 1));
}

// Without their order the two sides can miss each other.
struct relaxed_updates : atomics {
  template <typename T>
  class atomic : public atomics::atomic<T> {
   public:
    using atomics::atomic<T>::atomic;
    T fetch_add(T by, std::memory_order) const { return atomics::atomic<T>::fetch_add(by, std::memory_order_relaxed); }
  };
};

TEST(ParkingExecutions, AMissingOrderLosesAWake) { expect_lost_wake(one_brings_for_one<relaxed_updates>()); }

}  // namespace
}  // namespace fasterapi::core::model
