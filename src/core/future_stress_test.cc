// Futures between threads in orders that chance decides: what ThreadSanitizer is to look at. Each round sets up a small
// case, lets several threads at it, and checks that its result came once, and that nothing is left.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "core/sample_values.h"
#include "fasterapi/core/awaitable_future.h"
#include "fasterapi/core/cancel.h"
#include "fasterapi/core/combinators.h"
#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/errc.h"
#include "fasterapi/core/future.h"
#include "fasterapi/core/spawn.h"
#include "fasterapi/core/sync_wait.h"

namespace fasterapi::core {
namespace {

constexpr int rounds = 3000;

// Threads that do one thing each per round, all at about the same time.
class crew {
 public:
  explicit crew(size_t count) : work_(count) {
    for (size_t i = 0; i < count; ++i) {
      threads_.emplace_back([this, i] { live(i); });
    }
  }
  ~crew() {
    begin();
    for (auto& thread : threads_) thread.join();
  }

  // Runs these, and this thread's `own` beside them; returns when all are done.
  void run(std::vector<std::function<void()>> work, const std::function<void()>& own) {
    for (size_t i = 0; i < work_.size(); ++i) work_[i] = i < work.size() ? std::move(work[i]) : [] {};
    busy_ = static_cast<uint32_t>(work_.size());
    begin();
    own();
    while (const uint32_t left = busy_.load()) futex_wait(busy_, left);
    for (auto& done : work_) done = nullptr;
  }

 private:
  void begin() {
    ++round_;
    futex_wake_all(round_);
  }
  // Ends with the first round that has nothing for it.
  void live(size_t number) {
    std::minstd_rand random(static_cast<uint32_t>(number + 1));
    for (uint32_t seen = 0;;) {
      while (round_.load() == seen) futex_wait(round_, seen);
      ++seen;
      if (!work_[number]) return;
      // A few steps more or less, or another thread's turn, so that the threads meet in different orders.
      const auto lag = static_cast<uint32_t>(random());
      if (lag % 8 == 0) std::this_thread::yield();
      for (uint32_t left = lag % 200; left > 0; --left) std::atomic_signal_fence(std::memory_order_seq_cst);
      work_[number]();
      if (busy_.fetch_sub(1) == 1) futex_wake_all(busy_);
    }
  }

  std::vector<std::function<void()>> work_;
  std::atomic<uint32_t> round_ = 0;
  std::atomic<uint32_t> busy_ = 0;
  std::vector<std::thread> threads_;
};

// A value of which it is known how many there are.
struct counted {
  explicit counted(std::atomic<int>& alive) noexcept : alive_(&alive) { ++*alive_; }
  counted(counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  counted& operator=(counted&&) noexcept { return *this; }  // both count in the same place
  ~counted() { --*alive_; }
  std::atomic<int>* alive_;
};

class FutureStress : public testing::Test {
 protected:
  crew others{2};
  std::atomic<int> alive = 0;
};

TEST_F(FutureStress, SetMeetsGet) {
  for (int round = 0; round < rounds; ++round) {
    promise<counted> made;
    auto tested = made.get_future();
    others.run({[&] { made.set(counted(alive)); }}, [&] { EXPECT_TRUE(tested.get().ok()); });
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(FutureStress, SetMeetsThen) {
  for (int round = 0; round < rounds; ++round) {
    promise<counted> made;
    std::atomic<int> calls = 0;
    auto tested = made.get_future();
    others.run({[&] { made.set(counted(alive)); }}, [&] {
      auto last = tested.then([&](result<counted> value) {
        ++calls;
        return value;
      });
      EXPECT_TRUE(last.get().ok());
    });
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(FutureStress, SetMeetsCancelAndHook) {
  int won = 0;
  for (int round = 0; round < rounds; ++round) {
    promise<counted> made;
    std::atomic<int> hooked = 0;
    bool set = false;
    auto tested = made.get_future();
    others.run({[&] {
                 made.on_cancel([&] { ++hooked; });
                 set = made.set(counted(alive));
               }},
               [&] {
                 const bool cancelled = tested.cancel();
                 EXPECT_EQ(tested.get().ok(), !cancelled);
                 won += cancelled;
                 if (!cancelled) hooked += 10;
               });
    EXPECT_EQ(hooked, set ? 10 : 1);
    EXPECT_EQ(alive, 0);
  }
  RecordProperty("cancelled", won);
}

TEST_F(FutureStress, ChainsMeetCancelSetAndExecutors) {
  for (int round = 0; round < rounds; ++round) {
    promise<counted> outer;
    promise<counted> inner;
    manual_executor where;
    auto last = outer.get_future()
                    .then([returned = inner.get_future()](counted) mutable { return std::move(returned); })
                    .then(where, [](result<counted> value) { return value; })
                    .then([](counted value) { return value; });
    others.run({[&] { outer.set(counted(alive)); }, [&] { inner.set(counted(alive)); }}, [&] {
      where.run();
      const bool cancelled = round % 2 == 0 && last.cancel();
      while (!last.ready()) where.run_one_until(deadline_after(1'000'000));
      auto made = last.get();
      EXPECT_EQ(made.ok(), !cancelled);
    });
    where.run();
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(FutureStress, SeveralProducersAndACanceller) {
  struct shared_result final : future_state<counted> {};
  for (int round = 0; round < rounds; ++round) {
    auto* state = new shared_result;
    state->retain();
    state->retain();
    auto tested = future<counted>::adopt(state);
    std::atomic<int> taken = 0;
    const auto produce = [&] {
      taken += state->complete_first(counted(alive));
      state->release();
    };
    others.run({produce, produce}, [&] {
      if (round % 3 == 0) taken += tested.cancel();
      static_cast<void>(tested.get());
    });
    EXPECT_EQ(taken, 1);
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(FutureStress, CombinatorsMeetTheirSources) {
  for (int round = 0; round < rounds; ++round) {
    std::array<promise<counted>, 3> made;
    std::vector<future<counted>> sources;
    for (auto& source : made) sources.push_back(source.get_future());
    const auto set = [&](size_t which) { return [&, which] { made[which].set(counted(alive)); }; };
    if (round % 2 == 0) {
      others.run({set(0), set(1)}, [&] {
        auto all = when_all(std::move(sources));
        made[2].set(counted(alive));
        if (round % 8 == 0) all.cancel();
        auto values = all.get();
        EXPECT_TRUE(round % 8 == 0 || values.value().size() == 3);
      });
    } else {
      others.run({set(0), set(1)}, [&] {
        auto any = when_any(std::move(sources), round % 4 == 1 ? losers::cancel : losers::keep);
        if (round % 8 == 7) any.cancel();
        auto first = any.get();
        EXPECT_TRUE(round % 8 == 7 || first.value().index < 2);
      });
    }
    for (auto& source : made) source = {};
    EXPECT_EQ(alive, 0);
  }
}

TEST_F(FutureStress, TimeoutsMeetTheirSources) {
  auto clock = timer::create().take();
  for (int round = 0; round < rounds; ++round) {
    promise<counted> made;
    auto source = made.get_future();
    others.run({[&] { made.set(counted(alive)); }}, [&] {
      auto limited = with_timeout(*clock, std::move(source), int64_t{round % 10} * 2000);
      auto value = limited.get();
      EXPECT_TRUE(value.ok() || value.failure().code == errc::timed_out);
    });
  }
  clock.reset();
  EXPECT_EQ(alive, 0);
}

coro_task<counted> await_here(future<counted> source, cancel_token token) {
  CO_TRY(counted value, co_await make_awaitable(std::move(source), std::move(token)));
  co_return std::move(value);
}
coro_task<counted> await_there(future<counted> source, executor& where, cancel_token token) {
  CO_TRY(counted value, co_await make_awaitable(std::move(source), where, std::move(token)));
  co_return std::move(value);
}

TEST_F(FutureStress, CoroutinesMeetTheirFuturesAndTheirTokens) {
  for (int round = 0; round < rounds; ++round) {
    promise<counted> made;
    cancel_source source;
    manual_executor where;
    future<counted> first = made.get_future();
    others.run({[&] { made.set(counted(alive)); }, [&] { source.cancel(); }}, [&] {
      auto last = round % 2 == 0 ? spawn(await_here(std::move(first), source.token()))
                                 : spawn(await_there(std::move(first), where, source.token()));
      while (!last.ready()) where.run_one_until(deadline_after(1'000'000));
      auto value = last.get();
      EXPECT_TRUE(value.ok() || value.failure().code == errc::cancelled);
    });
    EXPECT_EQ(alive, 0);
  }
}

coro_task<int> move_between(manual_executor& here, manual_executor& there, int hops) {
  int moved = 0;
  auto before = std::this_thread::get_id();
  for (int i = 0; i < hops; ++i) {
    CO_TRY(const nothing arrived, co_await make_awaitable(make_ready_future(), i % 2 == 0 ? here : there));
    static_cast<void>(arrived);
    moved += std::this_thread::get_id() != before;
    before = std::this_thread::get_id();
  }
  co_return moved;
}

TEST_F(FutureStress, ACoroutineMovesBetweenThreads) {
  constexpr int hops = 4000;
  manual_executor one;
  manual_executor two;
  const auto serve = [](manual_executor& where) {
    return [&where] {
      while (where.run_one_until(no_deadline)) {
      }
    };
  };
  others.run({serve(one), serve(two)}, [&] {
    EXPECT_EQ(sync_wait(move_between(one, two, hops)).value(), hops);
    one.close();
    two.close();
  });
}

}  // namespace
}  // namespace fasterapi::core
