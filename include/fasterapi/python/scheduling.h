#pragma once

#include <cstddef>
#include <cstdint>

namespace fasterapi::python {

// Where a job may run.
struct destination {
  // Which of the three it is.
  enum class kind : uint8_t { anywhere, position, pool };

  // Where it is soonest done: an idle pinned worker, else an idle pooled one, else wherever there is room.
  static constexpr destination anywhere() noexcept { return {kind::anywhere, 0}; }
  // In one interpreter and no other; pinned ones are 0, 1, …, pooled ones follow.
  static constexpr destination position(size_t index) noexcept { return {kind::position, index}; }
  static constexpr destination pool() noexcept { return {kind::pool, 0}; }

  kind what = kind::anywhere;
  size_t index = 0;
};

// What submitting does when `queue_size` jobs are waiting.
enum class when_full : uint8_t { fail, wait };

enum class shutdown_mode : uint8_t {
  drain,  // jobs that wait are run
  cancel  // jobs that wait end as cancelled
};

// How long something took, over all times it was measured. Percentiles are exact to 12.5 %.
struct latency {
  uint64_t count = 0;
  int64_t average_ns = 0;
  int64_t p50_ns = 0;
  int64_t p99_ns = 0;
};

// What an executor did since it was made. Counted by each worker for itself and added up when asked for, so that
// numbers which belong together may be a few jobs apart while it works.
struct executor_stats {
  uint64_t executed = 0;   // ran to their end, failed ones and late ones too
  uint64_t failed = 0;     // of those: ended with an error
  uint64_t timed_out = 0;  // met their deadline before their end
  uint64_t cancelled = 0;  // were not run because nobody wanted them any more, or by shutdown
  uint64_t rejected = 0;   // were not taken: the queue was full
  uint64_t stolen = 0;     // of those executed: by another worker than the one they were given to
  uint64_t replaced = 0;   // interpreters given up because code in them would not end
  uint64_t queued = 0;     // wait now
  uint64_t running = 0;    // run now
  uint64_t stuck = 0;      // given up and not come back yet
  latency queue_wait;      // from submission to the start
  latency run_time;        // of the work itself
  latency gil_wait;        // for entering the interpreter; not measured from one job to the next without a pause
};

}  // namespace fasterapi::python
