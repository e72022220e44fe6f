#pragma once

#include <atomic>
#include <cstdint>

#include "fasterapi/core/completion.h"
#include "fasterapi/core/task.h"

namespace fasterapi::core {

class shared_state;

// What happens once a future has its result. It is part of a larger object, which decides how long it lives.
class continuation {
 public:
  // Called once, by the thread that ended `source` (or that attached to one which had ended), which holds a reference
  // to it meanwhile; may destroy the continuation. When this ends another state that has a continuation, that state is
  // returned with a reference, and the caller goes on with it: chains need no stack.
  virtual shared_state* run(shared_state& source) noexcept = 0;

 protected:
  continuation() = default;
  continuation(const continuation&) = default;
  continuation& operator=(const continuation&) = default;
  ~continuation() = default;
};

// What a promise and its future have in common, whatever the type of the result: counted references, the state, one
// continuation, one hook for cancelling.
//
// Lifetime: whoever makes it holds the first reference; the last release() destroys it. Every call needs a reference.
class shared_state {
 public:
  shared_state(const shared_state&) = delete;
  shared_state& operator=(const shared_state&) = delete;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // The only reference needs no agreement with others.
    if (references_.load(std::memory_order_acquire) == 1 || references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy();
    }
  }

  // Any thread.
  bool ready() const noexcept { return state_.ready(); }
  bool cancelled() const noexcept { return state_.cancelled(); }
  // Waits, awake for a moment, then asleep; false when `until_ns` of the monotonic clock passed (no_deadline: never).
  bool wait_until(int64_t until_ns) noexcept;
  // Ends it as cancelled, and what it is made from; false when it had ended. Runs hooks and continuations.
  bool cancel() noexcept;

  // The consumer. `then` is to live until it has run or was detached. False: this has ended, and `then` does not run.
  bool attach(continuation& then) noexcept {
    continuation_ = &then;
    return state_.attach();
  }
  // False: it has ended; the continuation was run or is about to be, perhaps on another thread at this moment.
  bool detach() noexcept { return state_.detach(); }
  // The continuation of a state that has ended, and of those that end by it.
  void run_continuations() noexcept;
  // What is left to do with what continuation::run() gave; uses up its reference.
  static void go_on(shared_state* ended) noexcept {
    if (ended == nullptr) return;
    ended->run_continuations();
    ended->release();
  }

  // The producer, before it publishes, once: `hook` is called when this is cancelled, by the thread that cancels, or at
  // once if it was cancelled before. It is dropped when there is a result.
  void on_cancel(task hook) noexcept;
  // Where several threads may bring the result: true for the first of them.
  bool claim() noexcept { return state_.claim(); }

 protected:
  shared_state() noexcept = default;
  virtual ~shared_state();

  // Called without references left. States that do not come from `new` say here where they go.
  virtual void destroy() noexcept { delete this; }
  // Called by the thread that cancelled this, once, before continuations run. What is to be cancelled with it is
  // returned with a reference, or nullptr.
  virtual shared_state* cancel_requested() noexcept { return nullptr; }

  // The result is written. False: it was cancelled before, and nobody will read it. Runs the continuations.
  bool publish() noexcept;
  // The same for use in continuation::run(): gives this with a reference where its continuation is to run next. The
  // caller's own reference is used up.
  shared_state* publish_in_chain() noexcept;

 private:
  bool begin_cancel(completion<>::outcome& ended) noexcept;

  std::atomic<uint32_t> references_ = 1;
  completion<> state_;
  continuation* continuation_ = nullptr;  // written by the consumer before attach()
  task hook_;                             // written by the producer before hook(); then of whoever ended the state
};

}  // namespace fasterapi::core
