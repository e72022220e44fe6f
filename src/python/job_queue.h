#pragma once

#include <array>
#include <cstdint>
#include <thread>

#include "fasterapi/core/mpmc_queue.h"
#include "fasterapi/python/job.h"

namespace fasterapi::python {

// Jobs in the order of their priority, and of their arrival within one. Lower priorities are not starved: of every
// sixteen jobs that a thread takes, four are looked for among the normal ones first, and one among the low ones.
//
// Any thread may push and pop; memory is touched as far as it is used.
class job_queue {
 public:
  explicit job_queue(size_t capacity) : lanes_{lane(capacity), lane(capacity), lane(capacity)} {}

  // There must be room: the jobs in it, counted until their pop() has returned, are fewer than its capacity. A thread
  // that is in the midst of a pop is waited for.
  void push(job& work) noexcept {
    while (!lanes_[static_cast<size_t>(work.urgency)].try_push(&work)) std::this_thread::yield();
  }
  void prefer_node(int node) noexcept {
    for (auto& each : lanes_) each.prefer_node(node);
  }
  // Null when it is empty. `turn` counts the calling thread's takings.
  job* pop(uint32_t& turn) noexcept {
    job* taken = nullptr;
    const size_t favoured = turn % 16 == 15 ? 2 : turn % 4 == 2 ? 1 : 0;
    if (lanes_[favoured].try_pop(taken)) return ++turn, taken;
    for (auto& each : lanes_) {
      if (each.try_pop(taken)) return ++turn, taken;
    }
    return nullptr;
  }

 private:
  using lane = core::mpmc_queue<job*>;

  std::array<lane, 3> lanes_;
};

}  // namespace fasterapi::python
