#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "core/model/atomics.h"
#include "core/model/explore.h"
#include "fasterapi/core/completion.h"

// All executions of what a promise and its future do to each other through one completion.
namespace fasterapi::core::model {
namespace {

constexpr int written = 42;

// A completion with what it guards: each part is a plain object, so every use without the right is found as a race.
template <typename Atomics>
struct shared {
  completion<Atomics> state;
  atomics::plain<int> result{0};
  atomics::plain<int> continuation{0};
  atomics::plain<int> hook{0};
  // Of the outcome, for the scenario to look at.
  int ended = 0;
  int continued = 0;
  int hook_called = 0;
  int hook_dropped = 0;

  void run_continuation() {
    check(continuation == written, "the continuation is there");
    if (!state.cancelled()) check(result == written, "the result is there for the continuation");
    ++continued;
  }
  void finish(const typename completion<Atomics>::outcome& outcome, bool cancelling) {
    if (!outcome.effective) return;
    ++ended;
    if (outcome.hooked) {
      check(hook == written, "the hook is there");
      hook = 0;
      ++(cancelling ? hook_called : hook_dropped);
    }
    if (outcome.attached) run_continuation();
  }

  void produce() {
    if (state.cancelled()) return;
    result = written;
    finish(state.publish(), false);
  }
  void cancel() { finish(state.try_cancel(), true); }
  void then() {
    continuation = written;
    if (!state.attach()) run_continuation();
  }
  void set_hook() {
    hook = written;
    if (state.hook()) return;
    check(hook == written, "the hook is still the producer's");
    hook = 0;
    ++hook_called;
  }
  void wait() {
    check(state.wait(no_deadline), "no deadline, no return without an end");
    check(state.ready(), "whoever has waited finds it ready");
    if (!state.cancelled()) check(result == written, "the result is there for who waited");
  }
};

using model_shared = shared<atomics>;

void expect_sound(const verdict& found) {
  EXPECT_EQ(found.fault, "");
  EXPECT_TRUE(found.complete);
  EXPECT_GT(found.executions, 1U);
  testing::Test::RecordProperty("executions", std::to_string(found.executions));
}

void expect_fault(const verdict& found, const char* fault) {
  EXPECT_NE(found.fault.find(fault), std::string::npos) << "found instead: " << found.fault;
}

template <typename Atomics>
verdict result_meets_then_and_wait() {
  return explore([] {
    shared<Atomics> both;
    run_threads({[&] { both.produce(); }, [&] { both.then(); }, [&] { both.wait(); }});
    check(both.continued == 1, "the continuation runs once");
    check(both.ended == 1, "it ends once");
  });
}

TEST(CompletionExecutions, AResultMeetsThenAndWait) { expect_sound(result_meets_then_and_wait<atomics>()); }

TEST(CompletionExecutions, TwoWait) {
  expect_sound(explore([] {
    model_shared both;
    run_threads({[&] { both.produce(); }, [&] { both.wait(); }, [&] { both.wait(); }});
  }));
}

TEST(CompletionExecutions, AResultMeetsCancelAndThen) {
  bool was_cancelled = false;
  bool was_done = false;
  expect_sound(explore([&] {
    model_shared both;
    run_threads({[&] { both.produce(); }, [&] { both.cancel(); }, [&] { both.then(); }});
    check(both.continued == 1, "the continuation runs once");
    check(both.ended == 1, "it ends once");
    (both.state.cancelled() ? was_cancelled : was_done) = true;
  }));
  EXPECT_TRUE(was_cancelled && was_done);
}

TEST(CompletionExecutions, AResultMeetsCancelAndWait) {
  expect_sound(explore([] {
    model_shared both;
    run_threads({[&] { both.produce(); }, [&] { both.cancel(); }, [&] { both.wait(); }});
    check(both.ended == 1, "it ends once");
  }));
}

TEST(CompletionExecutions, TwoCancel) {
  expect_sound(explore([] {
    model_shared both;
    const auto cancel = [&] { both.cancel(); };
    run_threads({cancel, cancel, [&] { both.then(); }});
    check(both.ended == 1 && both.continued == 1, "one of them cancels");
  }));
}

TEST(CompletionExecutions, TheHookIsCalledOrDropped) {
  bool called = false;
  bool dropped = false;
  expect_sound(explore([&] {
    model_shared both;
    run_threads({[&] {
                   both.set_hook();
                   both.produce();
                 },
                 [&] { both.cancel(); }, [&] { both.then(); }});
    check(both.hook_called + both.hook_dropped == 1, "one of the two, once");
    check((both.hook_called == 1) == both.state.cancelled(), "called exactly when it was cancelled");
    called |= both.hook_called == 1;
    dropped |= both.hook_dropped == 1;
  }));
  EXPECT_TRUE(called && dropped);
}

TEST(CompletionExecutions, TheFirstOfTwoProducersCounts) {
  expect_sound(explore([] {
    model_shared both;
    const auto produce_first = [&] {
      if (both.state.claim()) both.produce();
    };
    run_threads({produce_first, produce_first, [&] { both.wait(); }});
    check(both.ended == 1, "it ends once");
  }));
}

TEST(CompletionExecutions, ADetachedContinuationIsTheConsumersAgain) {
  int detached = 0;
  int ran = 0;
  expect_sound(explore([&] {
    model_shared both;
    run_threads({[&] { both.produce(); },
                 [&] {
                   both.continuation = written;
                   if (!both.state.attach()) return both.run_continuation();
                   if (both.state.detach()) {
                     both.continuation = 0;  // a race if anybody might still run it
                     ++detached;
                   }
                 }});
    ran += both.continued;
  }));
  EXPECT_GT(detached, 0);
  EXPECT_GT(ran, 0);
}

TEST(CompletionExecutions, ADeadlineEndsTheWaitOnly) {
  int in_time = 0;
  int too_late = 0;
  expect_sound(explore([&] {
    model_shared both;
    run_threads({[&] { both.produce(); },
                 [&] {
                   const bool ended = both.state.wait(1);
                   ++(ended ? in_time : too_late);
                   if (ended) check(both.result == written, "the result is there");
                 },
                 [&] { both.wait(); }});
    check(both.ended == 1, "a deadline changes nothing for the others");
  }));
  EXPECT_GT(in_time, 0);
  EXPECT_GT(too_late, 0);
}

// The same policy without the orders of read-modify-writes, and without wakes.
struct relaxed_updates : atomics {
  template <typename T>
  class atomic : public atomics::atomic<T> {
   public:
    using atomics::atomic<T>::atomic;
    T fetch_or(T bits, std::memory_order) const {
      return atomics::atomic<T>::fetch_or(bits, std::memory_order_relaxed);
    }
  };
};

struct no_wakes : atomics {
  static void wake(const atomic<uint32_t>&, uint32_t) {}
};

TEST(CompletionExecutions, AMissingOrderOrWakeIsFound) {
  expect_fault(result_meets_then_and_wait<relaxed_updates>(), "data race");
  expect_fault(result_meets_then_and_wait<no_wakes>(), "nobody can go on");
}

}  // namespace
}  // namespace fasterapi::core::model
