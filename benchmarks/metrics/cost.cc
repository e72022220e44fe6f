// What the server's figures cost a request: everything that a shard records from its head to its answer, and its share
// of what is recorded for a turn, where a turn serves one request and where it serves eight. Prints one JSON object.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "core/thread_usage.h"
#include "core/ticks.h"
#include "server/metrics_seat.h"

namespace {

using fasterapi::core::thread_cpu_ns;  // others may share the core
using fasterapi::core::ticks;
using namespace fasterapi::server;

constexpr int rounds = 9;
constexpr int64_t requests = 2'000'000;

// What shard.cc and loop.cc record of a turn; true where its length is recorded.
bool record_turn(metrics& figures, ticks& turn_began, uint32_t number, bool measures) {
  shard_counts& counts = figures.counts();
  if (measures) counts.turns.record_alone(ticks::now().ns_since(turn_began));
  turn_began = ticks::now();
  measures = number % shard_counts::turns_per_measure == 0;
  if (measures) counts.gil_wait.record_alone(ticks::now().ns_since(turn_began));
  return measures;
}

// What intake.cc, connection.cc and replies.cc record of a request.
void record_request(metrics& figures, ticks turn_began, uint32_t route) {
  shard_counts& counts = figures.counts();
  counts.traffic.bytes_in.add(100);
  counts.requests.add();
  counts.handed_out.add();
  counts.traffic.bytes_out.add(150);
  call_outcome how;
  how.route = route;
  how.status = 200;
  how.handed_out = true;
  how.latency_ns = ticks::now().ns_since(turn_began);
  figures.answered(how);
  figures.completed(false);
}

double ns_per_request(metrics& figures, int64_t requests_per_turn) {
  ticks turn_began = ticks::now();
  bool measures = false;
  const int64_t began = thread_cpu_ns();
  for (int64_t i = 0; i < requests; ++i) {
    if (i % requests_per_turn == 0) {
      measures = record_turn(figures, turn_began, static_cast<uint32_t>(i / requests_per_turn), measures);
    }
    record_request(figures, turn_began, static_cast<uint32_t>(i & 3));
  }
  return static_cast<double>(thread_cpu_ns() - began) / requests;
}

double ns_per_read() {
  const int64_t began = thread_cpu_ns();
  ticks last;
  for (int64_t i = 0; i < requests; ++i) {
    last = ticks::now();
    asm volatile("" : : "m"(last));
  }
  return static_cast<double>(thread_cpu_ns() - began) / requests;
}

template <typename Measure>
double median(Measure measure) {
  std::vector<double> found;
  for (int i = 0; i < rounds; ++i) found.push_back(measure());
  std::nth_element(found.begin(), found.begin() + rounds / 2, found.end());
  return found[rounds / 2];
}

}  // namespace

int main() {
  ticks::prepare();
  auto seat = metrics_seat::take(-1, std::vector<std::string>(4, "GET / (root)"));
  if (!seat.ok()) return 1;
  metrics figures = seat.value().figures();
  const double alone = median([&figures] { return ns_per_request(figures, 1); });
  const double of_eight = median([&figures] { return ns_per_request(figures, 8); });
  const double read = median(ns_per_read);
  std::printf(
      "{\"rounds\": %d, \"ns_per_request_alone\": %.1f, \"ns_per_request_of_eight\": %.1f, \"ns_per_clock_read\": "
      "%.1f, "
      "\"cycles\": %s}\n",
      rounds, alone, of_eight, read, ticks::counts_cycles() ? "true" : "false");
  return 0;
}
