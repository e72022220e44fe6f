#include "server/metrics_board.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "server/metrics_seat.h"

namespace fasterapi::server {
namespace {

const std::vector<std::string> two_routes = {"GET /a (a)", "GET /b (b)"};

call_outcome fast_answer(uint32_t route) {
  call_outcome how;
  how.route = route;
  how.status = 200;
  how.handed_out = true;
  how.latency_ns = 1000;
  return how;
}

TEST(MetricsBoard, KeepsWhatEachRouteDid) {
  auto board = metrics_board::create(2, 2).take();
  metrics_board::place* mine = board->take(0, two_routes);
  ASSERT_NE(mine, nullptr);
  metrics writer = board->writer_of(*mine);
  writer.answered(fast_answer(0));
  call_outcome slow = fast_answer(1);
  slow.status = 504;
  slow.pooled = slow.timed_out = true;
  slow.latency_ns = 5'000'000;
  writer.answered(slow);
  call_outcome nowhere;
  nowhere.route = writer.no_route();
  nowhere.status = 404;
  writer.answered(nowhere);

  EXPECT_EQ(board->routes_of(*mine), 3U);
  EXPECT_EQ(board->name(*mine, 1), "GET /b (b)");
  EXPECT_EQ(board->name(*mine, 2), "");
  EXPECT_EQ(board->route(*mine, 0).requests(), 1U);
  EXPECT_EQ(board->route(*mine, 0).run_inline(), 1U);
  EXPECT_EQ(board->route(*mine, 1).run_pooled.value(), 1U);
  EXPECT_EQ(board->route(*mine, 1).timeouts.value(), 1U);
  EXPECT_EQ(board->route(*mine, 1).answers[5].value(), 1U);
  EXPECT_EQ(board->route(*mine, 1).slowest_ns.value(), 5'000'000U);
  EXPECT_EQ(board->route(*mine, 2).answers[4].value(), 1U);
  EXPECT_EQ(mine->counts.timeouts.value(), 1U);
  core::latency_histogram::summary latencies;
  latencies.add(board->latency(*mine, 1));
  EXPECT_EQ(latencies.count(), 1U);
}

TEST(MetricsBoard, GoesOnInTheShardThatFollows) {
  auto board = metrics_board::create(3, 2).take();
  metrics_board::place* first = board->take(7, two_routes);
  first->counts.requests.add(5);
  first->counts.connections_accepted.add(3);
  board->give_back(*first);
  EXPECT_EQ(first->counts.connections_closed.value(), 3U);
  // Another worker, or other routes, do not follow it.
  EXPECT_NE(board->take(8, two_routes), first);
  EXPECT_NE(board->take(7, std::vector<std::string>{"GET /other (o)"}), first);
  metrics_board::place* second = board->take(7, two_routes);
  EXPECT_EQ(second, first);
  EXPECT_EQ(second->counts.requests.value(), 5U);
  EXPECT_EQ(second->shards.load(), 2U);
}

TEST(MetricsBoard, GivesAPlaceThatEndedToOthersOnceNoneIsEmpty) {
  auto board = metrics_board::create(1, 2).take();
  metrics_board::place* first = board->take(0, two_routes);
  board->writer_of(*first).answered(fast_answer(1));
  EXPECT_EQ(board->take(1, two_routes), nullptr);
  board->give_back(*first);
  metrics_board::place* next = board->take(1, two_routes);
  ASSERT_EQ(next, first);
  EXPECT_EQ(board->route(*next, 1).requests(), 0U);
  core::latency_histogram::summary latencies;
  latencies.add(board->latency(*next, 1));
  EXPECT_EQ(latencies.count(), 0U);
}

TEST(MetricsBoard, CountsRoutesPastItsRoomAsNone) {
  auto board = metrics_board::create(1, 1).take();
  metrics_board::place* mine = board->take(0, two_routes);
  ASSERT_EQ(board->routes_of(*mine), 2U);
  board->writer_of(*mine).answered(fast_answer(1));
  EXPECT_EQ(board->route(*mine, 0).requests(), 0U);
  EXPECT_EQ(board->route(*mine, 1).requests(), 1U);
}

TEST(MetricsBoard, IsReadInAnotherProcessAndOutlivesIt) {
  auto board = metrics_board::create(1, 2).take();
  const pid_t child = fork();
  if (child == 0) {
    auto mapped = metrics_board::attach(dup(board->descriptor()));
    metrics_board::place* own = mapped.ok() ? mapped.value()->take(0, two_routes) : nullptr;
    if (own == nullptr) _exit(1);
    mapped.value()->writer_of(*own).answered(fast_answer(0));
    own->counts.handed_out.add();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const metrics_board::place* left = board->at(0);
  ASSERT_NE(left, nullptr);
  EXPECT_EQ(left->process.load(), child);
  EXPECT_EQ(board->route(*left, 0).requests(), 1U);
  EXPECT_EQ(left->counts.completed(), 0U);
  // Its worker's next process goes on there; what was under way ended with the first.
  EXPECT_EQ(board->take(0, two_routes), left);
  EXPECT_EQ(left->counts.completed(), 1U);
}

TEST(MetricsBoard, RefusesAnotherFile) {
  const int other = memfd_create("other", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(other, 8192), 0);
  EXPECT_FALSE(metrics_board::attach(other).ok());
}

TEST(MetricsBoard, GivesEachOfManyThreadsAPlace) {
  auto board = metrics_board::create(8, 2).take();
  std::vector<std::thread> threads;
  std::atomic<int> got = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      metrics_board::place* mine = board->take(i, two_routes);
      if (mine == nullptr) return;
      ++got;
      for (int n = 0; n < 1000; ++n) board->writer_of(*mine).answered(fast_answer(0));
    });
  }
  uint64_t seen = 0;
  const int64_t deadline = core::coarse_ms() + 10'000;
  while (seen < 8000) {
    uint64_t now = 0;
    for (uint32_t i = 0; i < board->places(); ++i) {
      if (const auto* place = board->at(i)) now += board->route(*place, 0).answers[2].value();
    }
    EXPECT_GE(now, seen);
    if (core::coarse_ms() > deadline) break;
    seen = now;
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got.load(), 8);
  EXPECT_EQ(seen, 8000U);
}

TEST(MetricsSeat, IsOnTheProcesssBoardOnlyForItsWorkers) {
  metrics_board::set_here(metrics_board::create(1, 2).take());
  {
    auto spare = metrics_seat::take(-1, two_routes).take();
    EXPECT_EQ(metrics_board::here()->at(0), nullptr);
    auto worker = metrics_seat::take(0, two_routes).take();
    worker.counts().requests.add();
    ASSERT_NE(metrics_board::here()->at(0), nullptr);
    EXPECT_EQ(metrics_board::here()->at(0)->counts.requests.value(), 1U);
    // No place is left: it counts for itself.
    auto another = metrics_seat::take(1, two_routes).take();
    another.counts().requests.add();
  }
  EXPECT_EQ(metrics_board::here()->at(0)->at.load(), metrics_board::place::ended);
  metrics_board::set_here(nullptr);
}

TEST(SharedText, IsCutBetweenCharacters) {
  shared_text text{};
  text.set("GET /ä");
  EXPECT_EQ(text.get(), "GET /ä");
  std::string longer(shared_text::max_bytes - 1, 'x');
  text.set(longer + "ä");
  EXPECT_EQ(text.get(), longer);
}

}  // namespace
}  // namespace fasterapi::server
