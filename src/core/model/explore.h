#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fasterapi::core::model {

// What came of a scenario.
struct verdict {
  std::string fault;        // empty: there is none; else what went wrong first, and the steps that led there
  uint64_t executions = 0;  // that differ
  uint64_t steps = 0;
  bool complete = false;  // every execution within the bounds was looked at

  bool sound() const { return complete && fault.empty(); }
};

struct bounds {
  size_t steps_max = 1000;               // of one execution: more is a loop without end
  uint64_t executions_max = 20'000'000;  // then the search gives up
  // Looks only at executions in which a thread that could go on has to stop for another at most so often.
  size_t preemptions_max = SIZE_MAX;
};

// Runs a scenario again and again, until each of its executions has been looked at or one is found wrong: a data race
// on a plain object, a use of what is not there, a deadlock, a loop without end, a failed check().
//
// The scenario sets up what it needs, calls run_threads() once with code over model::atomics (core/model/atomics.h) and
// then checks the outcome. It must do the same whenever the same choices are made: no clock, no real thread, nothing
// kept from one execution to the next. After a fault it is left where it stands: nothing is destroyed, nothing freed.
verdict explore(const std::function<void()>& scenario, const bounds& limits = {});

// Inside a scenario: runs these together, in an order that the search chooses, and returns when all have ended.
void run_threads(const std::vector<std::function<void()>>& threads);

// Inside a scenario, in any of its threads: says what must hold.
void check(bool holds, const char* what);

}  // namespace fasterapi::core::model
