#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/topology.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/job.h"

namespace fasterapi::python {

// What a crew is to be made of. Constant afterwards.
struct crew_plan {
  size_t main_threads = 0;         // in the main interpreter
  size_t pinned = 0;               // own-GIL interpreters with one thread each
  size_t pooled_threads = 0;       // threads that share …
  size_t pooled_interpreters = 0;  // … so many own-GIL interpreters
  bool pin_to_cores = false;
  bool numa_aware = false;
  bool work_stealing = true;
  size_t queue_size = 10000;               // jobs that may wait, all queues together
  int64_t spin_ns = 20'000;                // how long one idle thread looks for work before it sleeps
  int64_t stuck_after_ns = 1'000'000'000;  // how long after its deadline running code may take to end
  int64_t finish_patience_ns = 0;          // how long, once shut_down() is out of patience, finishing may take still
  size_t stuck_max = 16;                   // interpreters given up and not come back: no more are replaced past that
  // What replaces another and cannot be prepared is tried again after a pause, twice as long each time, until it can,
  // or the crew closes. Jobs wait meanwhile. Otherwise its position is given up.
  bool replace_again = false;
  int64_t replace_pause_ns = 100'000'000;
  int64_t replace_pause_max_ns = 30'000'000'000;
  core::topology machine;

  // Jobs will have deadlines: the thread that watches them is started with the first interpreter, and not when the
  // first such job comes, which could not be taken then where the system has no thread to give.
  bool has_deadlines = false;

  // Run in every interpreter on the thread that made it, after it was made and before it is ended.
  std::function<core::result<>(const gil&, place&)> prepare;
  std::function<void(const gil&, place&)> finish;
  // Told on that thread, attached to nothing, whether an interpreter at a position was made and prepared; on whichever
  // thread it is, attached or not, where there was no thread to make one.
  std::function<void(size_t position, const core::result<>& how)> prepared;
};

}  // namespace fasterapi::python
