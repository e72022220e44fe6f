#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "core/model/atomics.h"
#include "core/model/explore.h"
#include "fasterapi/core/completion.h"
#include "fasterapi/core/upstream_place.h"

// All executions of a cancellation that meets a continuation which goes over from the future it came from to one that
// it was given: what is upstream is cancelled once, or not at all where the result came first.
namespace fasterapi::core::model {
namespace {

// Stands for a state further up: counts what is done to it.
struct above {
  void release() {
    const int before = references;
    check(before > 0, "a reference is given back once");
    references = before - 1;
  }
  atomics::plain<int> references{1};
  int cancelled = 0;
};

template <typename Atomics>
struct below {
  completion<Atomics> state;
  upstream_place<above, Atomics> upstream;

  void cancel() {
    if (!state.try_cancel().effective) return;
    cancel_upstream();
  }
  void go_over_to(above& inner) {
    upstream.store(&inner);
    if (state.cancelled()) cancel_upstream();
  }
  void cancel_upstream() {
    if (above* held = upstream.take()) {
      ++held->cancelled;
      held->release();
    }
  }
};

template <typename Atomics>
verdict cancel_meets_going_over() {
  return explore([] {
    above first;
    above second;
    {
      below<Atomics> tested;
      tested.upstream.begin(&first);
      run_threads({[&] { tested.cancel(); },
                   [&] {
                     tested.upstream.reset();
                     tested.go_over_to(second);
                   }});
      check(second.cancelled == 1, "what came late is cancelled");
      check(first.cancelled <= 1, "what was there is cancelled at most once");
    }
    check(first.references == 0 && second.references == 0, "every reference is given back");
  });
}

TEST(UpstreamExecutions, CancellingReachesWhatComesLate) {
  const verdict found = cancel_meets_going_over<atomics>();
  EXPECT_EQ(found.fault, "");
  EXPECT_TRUE(found.complete);
  EXPECT_GT(found.executions, 1U);
  testing::Test::RecordProperty("executions", std::to_string(found.executions));
}

TEST(UpstreamExecutions, CancellingMeetsTheResult) {
  const verdict found = explore([] {
    above first;
    {
      below<atomics> tested;
      tested.upstream.begin(&first);
      bool done = false;
      run_threads({[&] { tested.cancel(); },
                   [&] {
                     tested.upstream.reset();
                     done = tested.state.publish().effective;
                   }});
      check(done != tested.state.cancelled(), "one of the two");
      check(!done || first.cancelled == 0, "a result leaves what it was made from alone");
    }
    check(first.references == 0, "every reference is given back");
  });
  EXPECT_EQ(found.fault, "");
  EXPECT_TRUE(found.complete);
}

// Without the one order of all, both may miss each other.
struct no_total_order : atomics {
  template <typename T>
  class atomic : public atomics::atomic<T> {
   public:
    using atomics::atomic<T>::atomic;
    T load(std::memory_order) const { return atomics::atomic<T>::load(std::memory_order_acquire); }
    void store(T value, std::memory_order) const { atomics::atomic<T>::store(value, std::memory_order_release); }
  };
};

TEST(UpstreamExecutions, AMissingOrderIsFound) {
  const verdict found = cancel_meets_going_over<no_total_order>();
  EXPECT_NE(found.fault.find("what came late is cancelled"), std::string::npos) << found.fault;
}

}  // namespace
}  // namespace fasterapi::core::model
