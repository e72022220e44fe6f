#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/model/atomics.h"
#include "core/model/explore.h"
#include "core/model/flawed_queue.h"
#include "core/queue_samples.h"
#include "fasterapi/core/mpmc_queue.h"
#include "fasterapi/core/spsc_queue.h"

// All executions of a few pushes and pops, for the queues as they are shipped and for queues with a flaw.
namespace fasterapi::core::model {
namespace {

// What went through a queue: the values are numbers, of which each producer uses the tens of its own (10, 11; 20, 21).
class ledger {
 public:
  template <typename Queue>
  void push(Queue& queue, int number) {
    tracked value(number);
    if (offer(queue, value)) {
      sent_.push_back(number);
    } else {
      check(value.number() == number, "a declined value is left as it was");
    }
  }

  template <typename Queue>
  bool pop(Queue& queue, size_t consumer) {
    const std::optional<tracked> value = queue.try_pop();
    if (value) got_[consumer].push_back(value->number());
    return value.has_value();
  }

  // Takes what is left, and checks that each value came once, and to each consumer in the order of its producer.
  template <typename Queue>
  void settle(Queue& queue) {
    while (pop(queue, 0)) {
    }
    std::vector<int> all;
    for (const std::vector<int>& one : got_) {
      all.insert(all.end(), one.begin(), one.end());
      for (size_t i = 0; i < one.size(); ++i) {
        for (size_t j = i + 1; j < one.size(); ++j) {
          check(one[i] / 10 != one[j] / 10 || one[i] < one[j], "a producer's values keep their order");
        }
      }
    }
    std::sort(all.begin(), all.end());
    std::sort(sent_.begin(), sent_.end());
    check(all == sent_, "each value that was taken in comes out once");
  }

  size_t sent() const { return sent_.size(); }

 private:
  std::vector<int> sent_;
  std::array<std::vector<int>, 3> got_;
};

void expect_sound(const verdict& found, uint64_t executions_min) {
  EXPECT_EQ(found.fault, "");
  EXPECT_TRUE(found.complete);
  EXPECT_GE(found.executions, executions_min);
  testing::Test::RecordProperty("executions", std::to_string(found.executions));
}

void expect_fault(const verdict& found, const char* fault) {
  EXPECT_NE(found.fault.find(fault), std::string::npos) << "found instead: " << found.fault;
}

// One producer and one consumer, each with three turns.
template <typename Queue>
verdict one_to_one(size_t capacity) {
  return explore([=] {
    Queue queue(capacity);
    ledger book;
    run_threads({[&] {
                   for (int number = 10; number < 13; ++number) book.push(queue, number);
                 },
                 [&] {
                   for (int i = 0; i < 3; ++i) book.pop(queue, 1);
                 }});
    book.settle(queue);
  });
}

// How often each of two producers and of two consumers has a turn.
struct turns {
  std::array<int, 2> pushes;
  std::array<int, 2> pops;
};

template <typename Queue>
verdict many_to_many(size_t capacity, const turns& plan) {
  return explore([=] {
    Queue queue(capacity);
    ledger book;
    const auto producer = [&](size_t which) {
      return [&, which] {
        for (int i = 0; i < plan.pushes[which]; ++i) book.push(queue, 10 * static_cast<int>(which + 1) + i);
      };
    };
    const auto consumer = [&](size_t which) {
      return [&, which] {
        for (int i = 0; i < plan.pops[which]; ++i) book.pop(queue, which + 1);
      };
    };
    run_threads({producer(0), producer(1), consumer(0), consumer(1)});
    book.settle(queue);
  });
}

using checked_spsc = spsc_queue<tracked, atomics>;
using checked_mpmc = mpmc_queue<tracked, atomics>;

TEST(SpscExecutions, EachValueComesOnceAndInOrder) {
  for (const size_t capacity : {1U, 2U, 4U}) expect_sound(one_to_one<checked_spsc>(capacity), 10);
}

TEST(SpscExecutions, BatchesComeOnceAndInOrder) {
  expect_sound(explore([] {
                 checked_spsc queue(2);
                 std::vector<int> got;
                 size_t sent = 0;
                 run_threads({[&] {
                                std::array<tracked, 3> values{tracked(0), tracked(1), tracked(2)};
                                sent = queue.push_batch(values);
                                sent += queue.push_batch(std::span(values).subspan(sent));
                              },
                              [&] {
                                for (int i = 0; i < 2; ++i) {
                                  std::array<tracked, 2> out{tracked(9), tracked(9)};
                                  const size_t count = queue.pop_batch(out);
                                  for (size_t j = 0; j < count; ++j) got.push_back(out[j].number());
                                }
                              }});
                 while (const auto value = queue.try_pop()) got.push_back(value->number());
                 check(got.size() == sent, "as many come as were sent");
                 for (size_t i = 0; i < got.size(); ++i) check(got[i] == static_cast<int>(i), "in order");
               }),
               10);
}

TEST(SpscExecutions, AWaitingConsumerGetsEveryValue) {
  expect_sound(explore([] {
                 checked_spsc queue(1);
                 run_threads({[&] {
                                for (int i = 0; i < 2; ++i) {
                                  tracked value(i);
                                  while (!offer(queue, value)) atomics::pause();
                                }
                              },
                              [&] {
                                for (int expected = 0; expected < 2;) {
                                  if (const auto value = queue.try_pop()) {
                                    check(value->number() == expected++, "in order");
                                  } else {
                                    atomics::pause();
                                  }
                                }
                              }});
               }),
               5);
}

TEST(MpmcExecutions, EachValueComesOnceAndInItsProducersOrder) {
  for (const size_t capacity : {1U, 2U}) {
    expect_sound(one_to_one<checked_mpmc>(capacity), 10);
    expect_sound(many_to_many<checked_mpmc>(capacity, {.pushes = {1, 1}, .pops = {1, 1}}), 1000);
    expect_sound(many_to_many<checked_mpmc>(capacity, {.pushes = {2, 1}, .pops = {1, 0}}), 500);
    expect_sound(many_to_many<checked_mpmc>(capacity, {.pushes = {2, 0}, .pops = {2, 2}}), 1000);
  }
  expect_sound(many_to_many<checked_mpmc>(1, {.pushes = {2, 1}, .pops = {3, 0}}), 1000);
  expect_sound(many_to_many<checked_mpmc>(2, {.pushes = {1, 1}, .pops = {2, 1}}), 1000);
}

TEST(MpmcExecutions, BatchesComeOnceAndTogether) {
  expect_sound(explore([] {
                 checked_mpmc queue(2);
                 std::vector<int> got;
                 size_t sent = 0;
                 run_threads({[&] {
                                std::array<tracked, 2> values{tracked(0), tracked(1)};
                                sent += queue.push_batch(values);
                              },
                              [&] { sent += queue.try_push(tracked(10)); },
                              [&] {
                                std::array<tracked, 2> out{tracked(99), tracked(99)};
                                const size_t count = queue.pop_batch(out);
                                for (size_t i = 0; i < count; ++i) got.push_back(out[i].number());
                              }});
                 while (const auto value = queue.try_pop()) got.push_back(value->number());
                 check(got.size() == sent, "as many come as were sent");
                 check(std::count(got.begin(), got.end(), 0) <= 1, "once");
                 const auto first = std::find(got.begin(), got.end(), 0);
                 const auto second = std::find(got.begin(), got.end(), 1);
                 check(second == got.end() || second == first + 1, "side by side");
               }),
               100);
}

TEST(MpmcExecutions, AWaitingConsumerGetsEveryValue) {
  expect_sound(explore([] {
                 checked_mpmc queue(1);
                 const auto push = [&] {
                   tracked value(1);
                   while (!offer(queue, value)) atomics::pause();
                 };
                 run_threads({push, push, [&] {
                                for (int left = 2; left > 0;) {
                                  if (queue.try_pop()) {
                                    --left;
                                  } else {
                                    atomics::pause();
                                  }
                                }
                              }});
               }),
               100);
}

// The same policy with one order weaker than the queues ask for.
struct relaxed_stores : atomics {
  template <typename T>
  class atomic : public atomics::atomic<T> {
   public:
    using atomics::atomic<T>::atomic;
    void store(T value, std::memory_order) const { atomics::atomic<T>::store(value, std::memory_order_relaxed); }
  };
  template <typename T>
  class atomic_ref : public atomics::atomic_ref<T> {
   public:
    using atomics::atomic_ref<T>::atomic_ref;
    void store(T value, std::memory_order) const { atomics::atomic_ref<T>::store(value, std::memory_order_relaxed); }
  };
};

struct relaxed_loads : atomics {
  template <typename T>
  class atomic : public atomics::atomic<T> {
   public:
    using atomics::atomic<T>::atomic;
    T load(std::memory_order) const { return atomics::atomic<T>::load(std::memory_order_relaxed); }
  };
  template <typename T>
  class atomic_ref : public atomics::atomic_ref<T> {
   public:
    using atomics::atomic_ref<T>::atomic_ref;
    T load(std::memory_order) const { return atomics::atomic_ref<T>::load(std::memory_order_relaxed); }
  };
};

TEST(WeakenedExecutions, AMissingReleaseOrAcquireIsARace) {
  expect_fault(one_to_one<spsc_queue<tracked, relaxed_stores>>(2), "data race");
  expect_fault(one_to_one<spsc_queue<tracked, relaxed_loads>>(2), "data race");
  expect_fault(one_to_one<mpmc_queue<tracked, relaxed_stores>>(2), "data race");
  expect_fault(one_to_one<mpmc_queue<tracked, relaxed_loads>>(2), "data race");
}

TEST(WeakenedExecutions, SoIsASecondProducerOfASpscQueue) {
  expect_fault(explore([] {
                 checked_spsc queue(4);
                 const auto push = [&] { queue.try_push(tracked(1)); };
                 run_threads({push, push});
               }),
               "an object is made where there is one");
}

template <flaw Flaw>
verdict with_flaw(const turns& plan) {
  return many_to_many<flawed_queue<Flaw>>(2, plan);
}

TEST(FlawedExecutions, AreFound) {
  constexpr turns one_each{.pushes = {1, 1}, .pops = {1, 1}};
  expect_sound(with_flaw<flaw::none>(one_each), 100);
  expect_fault(with_flaw<flaw::pop_without_look>(one_each), "data race: a read beside a write");
  expect_fault(with_flaw<flaw::told_too_early>(one_each), "data race: a read beside a write");
  expect_fault(with_flaw<flaw::two_step_claim>(one_each), "an object is read that is not there");
  constexpr turns two_each{.pushes = {2, 2}, .pops = {2, 2}};
  expect_fault(with_flaw<flaw::push_without_look>(two_each), "an object is made where there is one");
  expect_fault(with_flaw<flaw::no_laps>(two_each), "an object is read that is not there");
}

}  // namespace
}  // namespace fasterapi::core::model
