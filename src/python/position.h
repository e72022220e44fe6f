#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/backoff.h"
#include "core/latency_histogram.h"
#include "python/job_queue.h"

namespace fasterapi::python {

class lane;

// What happened to the jobs of one position. Its threads write, any thread reads.
struct tally {
  std::atomic<uint64_t> executed = 0;
  std::atomic<uint64_t> failed = 0;  // of those executed
  std::atomic<uint64_t> stolen = 0;  // of those executed: they had been given to another position
  std::atomic<uint64_t> running = 0;
  core::latency_histogram queue_wait;
  core::latency_histogram run_time;
  core::latency_histogram gil_wait;
};

// A place for work that lasts as long as the executor, whatever interpreter and threads are there at the time.
struct position {
  enum class kind : uint8_t { pinned, pooled, main };

  position(size_t at, kind what, size_t queue_size, job_queue* shared)
      : index(at),
        role(what),
        bound(queue_size),
        own(shared == nullptr ? std::make_unique<job_queue>(queue_size) : nullptr),
        open(shared == nullptr ? own.get() : shared) {}

  // Constant after construction.
  const size_t index;
  const kind role;
  size_t threads = 1;
  std::vector<int> cpus;      // that its threads keep to; empty: any
  std::vector<size_t> helps;  // pinned positions whose work it does when it has none, the nearest first
  job_queue bound;            // what must run here; own, and shared by all threads
  const std::unique_ptr<job_queue> own;
  job_queue* const open;  // what any position of the kind may run

  tally counts;
  std::atomic<bool> alive = true;      // false: no interpreter could be made here any more
  std::atomic<size_t> first_spot = 0;  // where the present lane's threads park: so many as there are

  // Guarded by the crew's mutex.
  std::shared_ptr<lane> current;       // null: there was no thread for the first one
  core::backoff replace_pauses{0, 0};  // between tries to replace it, where there is no thread for another
  int64_t replace_after_ns = 0;        // no earlier
};

}  // namespace fasterapi::python
