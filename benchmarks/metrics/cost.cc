// What the server's figures cost a request: everything that a shard records from its head to its answer, and the reads
// of the clock of a turn that serves one request. Prints one JSON object.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "core/ticks.h"
#include "server/metrics_seat.h"

namespace {

using fasterapi::core::ticks;
using namespace fasterapi::server;

// CPU time of this thread: others may share the core.
int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

constexpr int rounds = 9;
constexpr int64_t requests = 2'000'000;

// What shard.cc, intake.cc, connection.cc and replies.cc record for one request in a turn of its own.
void record_one(metrics& figures, ticks& turn_began, uint32_t route) {
  shard_counts& counts = figures.counts();
  counts.turns.record_alone(ticks::now().ns_since(turn_began));
  turn_began = ticks::now();
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

double ns_per_request(metrics& figures) {
  ticks turn_began = ticks::now();
  const int64_t began = cpu_ns();
  for (int64_t i = 0; i < requests; ++i) record_one(figures, turn_began, static_cast<uint32_t>(i & 3));
  return static_cast<double>(cpu_ns() - began) / requests;
}

double ns_per_read() {
  const int64_t began = cpu_ns();
  ticks last;
  for (int64_t i = 0; i < requests; ++i) {
    last = ticks::now();
    asm volatile("" : : "m"(last));
  }
  return static_cast<double>(cpu_ns() - began) / requests;
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
  const double request = median([&figures] { return ns_per_request(figures); });
  const double read = median(ns_per_read);
  std::printf(
      "{\"rounds\": %d, \"ns_per_request\": %.1f, \"ns_per_clock_read\": %.1f, \"clock_reads\": 3, \"cycles\": %s}\n",
      rounds, request, read, ticks::counts_cycles() ? "true" : "false");
  return 0;
}
