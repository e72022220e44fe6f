#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/model/stage.h"
#include "server/lending.h"
#include "server/placement.h"

// A server as a play: workers, a monitor, spare drivers and a pool, with the placement and the lending that are
// shipped, by a simulated clock and in random orders. What they do in between is the least that the real ones do.
namespace fasterapi::server {
namespace {

using core::model::stage;

constexpr int64_t us = 1'000;
constexpr int64_t ms = 1'000'000;

// As server/monitor.h has them.
constexpr int64_t patience_ns = 5 * ms;
constexpr int64_t interval_ns = 2'500 * us;
// What the simulation's own steps may add: between two of them no time passes, but a thing that is due waits for a
// turn.
constexpr int64_t slack_ns = 1 * ms;

struct staged_atomics : core::std_atomics {
  static bool wait(const atomic<uint32_t>& word, uint32_t expected, int64_t = 0) {
    stage::current().wait_until([&word, expected] { return word.load() != expected; });
    return true;
  }
  static void wake(const atomic<uint32_t>&, uint32_t) {}
};

struct staged_fences {
  static void light() { stage::current().step(); }
  static void heavy() { stage::current().step(); }
};

struct request {
  uint32_t route = 0;
  int64_t arrives_ns = 0;
  int64_t takes_ns = 0;
  int64_t deadline_ns = INT64_MAX;
  int handled = 0;
  int answered = 0;
  bool ended = false;  // its handler, or it needs none any more
  int status = 0;
};

struct plan {
  size_t workers = 1;
  size_t pool_threads = 1;
  size_t queue_max = 8;
  int64_t length_ns = 400 * ms;
};

class play {
 public:
  play(const plan& of, uint64_t seed)
      : plan_(of), on_(seed), placed_([this] { return on_.now_ns(); }), shards_(of.workers) {
    const std::vector<placement::route_facts> routes = {{"always fast"}, {"always slow"}, {"sometimes slow"}};
    placed_.define(routes);
    for (size_t i = 0; i < of.workers; ++i) {
      write_requests(shards_[i]);
      on_.add([this, i] { work(shards_[i]); });
      on_.add([this, i] { keep(shards_[i]); });
    }
    for (size_t i = 0; i < of.pool_threads; ++i) on_.add([this] { work_in_pool(); });
    on_.add([this] { watch(); });
  }

  void run() { EXPECT_TRUE(on_.run(10'000'000)) << "somebody waits for what never happens"; }

  void expect_each_answered_once() const {
    for (const shard& each : shards_) {
      for (const auto& of : each.all) {
        EXPECT_EQ(of->answered, 1);
        EXPECT_LE(of->handled, 1);
        EXPECT_TRUE(of->ended);
        EXPECT_EQ(of->handled == 1, of->status == 200 || (of->status == 504 && of->handled == 1));
      }
      EXPECT_EQ(each.in_flight, 0);
    }
  }

  void expect_no_flapping() const {
    std::array<uint32_t, 3> asked = {};
    for (const placement::move& each : placed_.moves()) {
      EXPECT_NE(each.route, 1U) << "a slow route never moves";
      if (each.to == placement::site::shard) continue;
      EXPECT_NE(each.route, 0U) << "a fast route never moves back";
      EXPECT_GE(each.calls, std::min(2 * asked[each.route], placement::proof_calls << placement::doublings_max));
      asked[each.route] = each.calls;
    }
  }

  const placement& placed() const { return placed_; }
  uint64_t lent() const { return lent_; }
  int64_t latest_ns() const { return latest_ns_; }

 private:
  enum class driver { nobody, worker, spare };

  struct shard {
    lending<staged_atomics, staged_fences> lent;
    driver at = driver::nobody;
    bool is_taken = false;  // by the monitor, for the spare driver
    std::deque<request*> arriving;
    std::deque<request*> waiting;                 // suspended, each until its deadline
    std::deque<std::pair<request*, int>> posted;  // answers from the pool
    std::vector<std::unique_ptr<request>> all;
    int in_flight = 0;
    int64_t served_ns = 0;  // when somebody last looked
    request* running = nullptr;
  };

  void write_requests(shard& of) {
    for (int64_t at = 0; at < plan_.length_ns; at += static_cast<int64_t>(on_.random(600 * us))) {
      auto made = std::make_unique<request>();
      made->arrives_ns = at;
      const uint64_t drawn = on_.random(100);
      made->route = drawn < 55 ? 0 : drawn < 58 ? 1 : 2;
      const auto jitter = static_cast<int64_t>(on_.random(50 * us));
      const bool is_slow = made->route == 1 || (made->route == 2 && on_.random(150) == 0);
      made->takes_ns = is_slow ? 2 * ms + static_cast<int64_t>(on_.random(60 * ms)) : 10 * us + jitter;
      if (on_.random(4) == 0) made->deadline_ns = at + 1 * ms + static_cast<int64_t>(on_.random(20 * ms));
      of.arriving.push_back(made.get());
      of.all.push_back(std::move(made));
    }
  }

  // Whoever drives a shard is alone.
  void become(shard& of, driver who) {
    EXPECT_EQ(of.at, driver::nobody) << "two drivers of a shard";
    of.at = who;
  }
  static void leave(shard& of, driver who) {
    EXPECT_EQ(of.at, who);
    of.at = driver::nobody;
  }

  bool is_over(const shard& of) const { return of.arriving.empty() && of.in_flight == 0 && of.posted.empty(); }
  bool all_over() const {
    return std::all_of(shards_.begin(), shards_.end(), [this](const shard& each) { return is_over(each); });
  }
  bool has_news(const shard& of) const {
    const bool is_late = std::any_of(of.waiting.begin(), of.waiting.end(), [this](const request* each) {
      return each->answered == 0 && each->deadline_ns <= on_.now_ns();
    });
    return is_late || !of.posted.empty() || (!of.arriving.empty() && of.arriving.front()->arrives_ns <= on_.now_ns());
  }

  static void answer(request& of, int status) {
    ++of.answered;
    of.status = status;
  }
  // The handler's slot is free.
  static void end(shard& in, request& of) {
    EXPECT_FALSE(of.ended);
    of.ended = true;
    --in.in_flight;
    std::erase(in.waiting, &of);
  }

  // Timers and answers, as in shard.wait().
  void look_after(shard& of) {
    while (!of.posted.empty()) {
      const auto [done, status] = of.posted.front();
      of.posted.pop_front();
      if (done->answered == 0) answer(*done, status);
      end(of, *done);
    }
    for (request* each : of.waiting) {
      if (each->answered == 0 && each->deadline_ns <= on_.now_ns()) answer(*each, 504);
    }
    of.served_ns = on_.now_ns();
  }

  request* next_of(shard& of) {
    if (of.arriving.empty() || of.arriving.front()->arrives_ns > on_.now_ns()) return nullptr;
    request* next = of.arriving.front();
    of.arriving.pop_front();
    latest_ns_ = std::max(latest_ns_, on_.now_ns() - next->arrives_ns);
    of.waiting.push_back(next);
    ++of.in_flight;
    return next;
  }

  void give_to_pool(shard& of, request& given) {
    if (queue_.size() < plan_.queue_max) return queue_.push_back({&given, &of});
    answer(given, 503);
    end(of, given);
  }

  void work(shard& own) {
    while (!is_over(own)) {
      become(own, driver::worker);
      on_.step();
      look_after(own);
      request* next = next_of(own);
      const bool is_inline = next != nullptr && placed_.where(next->route) == placement::site::shard;
      if (next != nullptr && !is_inline) give_to_pool(own, *next);
      if (is_inline) {
        own.running = next;
        ++next->handled;
        leave(own, driver::worker);
        own.lent.leave();
        on_.sleep(next->takes_ns);
        placed_.ran_on_shard(next->route, next->takes_ns);
        if (!own.lent.enter()) own.lent.take_back([] {});
        become(own, driver::worker);
        own.running = nullptr;
        if (next->answered == 0) answer(*next, 200);
        end(own, *next);
      }
      leave(own, driver::worker);
      if (next == nullptr) on_.wait_until([this, &own] { return has_news(own) || is_over(own); }, 100 * us);
    }
  }

  void keep(shard& of) {
    for (;;) {
      on_.wait_until([this, &of] { return of.is_taken || all_over(); });
      if (!of.is_taken) return;
      become(of, driver::spare);
      ++lent_;
      for (;;) {
        look_after(of);
        if (request* next = next_of(of)) {
          give_to_pool(of, *next);
          on_.step();
          continue;
        }
        if (of.lent.wanted()) break;
        on_.wait_until([this, &of] { return has_news(of) || of.lent.wanted(); }, 100 * us);
      }
      of.is_taken = false;
      leave(of, driver::spare);
      of.lent.give_back();
    }
  }

  void work_in_pool() {
    for (;;) {
      on_.wait_until([this] { return !queue_.empty() || all_over(); });
      if (queue_.empty()) return;
      const auto [given, home] = queue_.front();
      queue_.pop_front();
      // A handler that has not begun when its request has been answered is not run.
      if (given->answered == 0) {
        ++given->handled;
        on_.sleep(given->takes_ns);
        placed_.ran_in_pool(given->route, given->takes_ns);
      }
      home->posted.emplace_back(given, 200);
    }
  }

  void watch() {
    struct sight {
      uint64_t section = 0;
      int64_t since_ns = 0;
    };
    std::vector<sight> seen(shards_.size());
    while (!all_over()) {
      for (size_t i = 0; i < shards_.size(); ++i) {
        shard& each = shards_[i];
        const uint64_t section = each.lent.section();
        if (section != seen[i].section) seen[i] = {section, on_.now_ns()};
        if (!lending<>::is_away(section) || each.lent.is_taken()) continue;
        if (on_.now_ns() < seen[i].since_ns + patience_ns) continue;
        if (each.lent.try_take(section)) each.is_taken = true;
      }
      on_.sleep(interval_ns);
    }
  }

  const plan plan_;
  stage on_;
  placement placed_;
  std::deque<shard> shards_;
  std::deque<std::pair<request*, shard*>> queue_;
  uint64_t lent_ = 0;
  int64_t latest_ns_ = 0;  // that a request waited until somebody took it up
};

class SchedulingTest : public ::testing::TestWithParam<plan> {};

TEST_P(SchedulingTest, NoRequestIsLostOrAnsweredTwiceAndNoShardHasTwoDrivers) {
  uint64_t lent = 0;
  uint64_t moved = 0;
  for (uint64_t seed = 1; seed <= 20 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    play of(GetParam(), seed);
    of.run();
    of.expect_each_answered_once();
    of.expect_no_flapping();
    EXPECT_LE(of.latest_ns(), patience_ns + 2 * interval_ns + slack_ns) << "a request waited for its driver";
    lent += of.lent();
    moved += of.placed().moves_made();
  }
  EXPECT_GT(lent, 0U) << "no shard was ever lent";
  EXPECT_GT(moved, 0U) << "no route was ever moved";
}

INSTANTIATE_TEST_SUITE_P(Plans, SchedulingTest,
                         ::testing::Values(plan{}, plan{.workers = 2, .pool_threads = 3},
                                           plan{.workers = 3, .pool_threads = 1, .queue_max = 1},
                                           plan{.workers = 1, .pool_threads = 16, .queue_max = 64}));

}  // namespace
}  // namespace fasterapi::server
