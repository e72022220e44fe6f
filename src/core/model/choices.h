#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/model/vector_clock.h"

namespace fasterapi::core::model {

// A set of threads: bit i is thread i.
using thread_set = uint32_t;

// What a thread is about to do, as far as the order of steps is concerned.
struct operation {
  enum class kind : uint8_t {
    load,
    store,  // and everything else that may change the word
    wait,   // looks at the word and falls asleep
    wake,
    pause,  // goes on once there is something new to see
    local,  // touches nothing that others see
  };
  kind what = kind::local;
  const void* address = nullptr;
};

// Whether two steps of different threads lead to the same state in either order.
bool independent(const operation& left, const operation& right);

// The decisions of one execution after the other, depth first, until all that differ have been taken.
//
// Orders of steps that differ only in neighbours which are independent are the same execution: sleep sets (Godefroid,
// 1996) leave out all but one of them. A thread sleeps where what it would do next was tried before its sibling and
// nothing since depends on it.
//
// Where that is still too much, a bound on preemptions (Musuvathi and Qadeer, 2007) looks at all executions in which a
// thread that could go on had to stop for another at most so often. Sleep sets are of no use then.
class choices {
 public:
  static constexpr size_t unbounded = SIZE_MAX;

  explicit choices(size_t preemptions_max) : preemptions_max_(preemptions_max) {}

  // Goes to the beginning of the next execution; false when there is none.
  bool next();

  // Which of `enabled` (not empty) makes the next step; `preferred` when there is no reason for another.
  size_t pick_thread(thread_set enabled, const std::array<operation, threads_max>& pending, size_t preferred);
  // One of 0 to count - 1.
  size_t pick(size_t count);

  // Whether the execution has come to where each step would repeat another execution. It goes on without choices.
  bool repeats() const { return repeats_; }
  // Whether the scenario did not do the same again when the same choices were made.
  bool strayed() const { return strayed_; }

 private:
  struct node {
    bool of_threads;
    size_t chosen;
    size_t count;         // of a value
    thread_set enabled;   // of threads
    thread_set sleeping;  // at arrival, and those whose turn is done
  };

  node* known_node(bool of_threads, size_t count, thread_set enabled);

  const size_t preemptions_max_;
  std::vector<node> path_;
  size_t preemptions_ = 0;
  size_t position_ = 0;
  thread_set sleeping_ = 0;
  bool begun_ = false;
  bool repeats_ = false;
  bool strayed_ = false;
};

}  // namespace fasterapi::core::model
