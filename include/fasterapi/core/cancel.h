#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "fasterapi/core/task.h"

namespace fasterapi::core {

class cancel_callback;

namespace cancel_detail {
class cancel_state;
}

// Tells work that its result is not wanted any more. Copies tell the same. One made without a source never does.
//
// Threads: an object belongs to one thread at a time; copies of it may be used by others.
class cancel_token {
 public:
  cancel_token() noexcept = default;

  bool cancelled() const noexcept;
  // Whether there is a source that may cancel it, or has.
  bool can_be_cancelled() const noexcept { return state_ != nullptr; }

 private:
  friend class cancel_callback;
  friend class cancel_source;

  explicit cancel_token(std::shared_ptr<cancel_detail::cancel_state> state) noexcept : state_(std::move(state)) {}

  std::shared_ptr<cancel_detail::cancel_state> state_;
};

// Where cancelling comes from. Copies are the same source; dropping all of them cancels nothing.
//
// Threads: cancel() may be called by any, and by callbacks.
class cancel_source {
 public:
  cancel_source();

  cancel_token token() const noexcept { return cancel_token(state_); }
  // Calls the registered callbacks on this thread, in the order of their registration. False: it was cancelled before
  // (and perhaps another thread is still calling them).
  bool cancel() noexcept;
  bool cancelled() const noexcept;

 private:
  std::shared_ptr<cancel_detail::cancel_state> state_;
};

// A call that is made when a token is cancelled, while this object exists: by the thread that cancels, or at once by
// this one where it was cancelled before. Once the destructor has returned, the call has been made or will not be; it
// waits for a call that is under way, unless it is that call which destroys the object.
class cancel_callback {
 public:
  cancel_callback(const cancel_token& token, task call);
  cancel_callback(const cancel_callback&) = delete;
  cancel_callback& operator=(const cancel_callback&) = delete;
  ~cancel_callback();

 private:
  friend class cancel_detail::cancel_state;

  std::shared_ptr<cancel_detail::cancel_state> state_;  // constant; null where there is nothing to wait for
  // Guarded by the state.
  task call_;
  cancel_callback* before_ = nullptr;
  cancel_callback* after_ = nullptr;
  bool registered_ = false;
};

}  // namespace fasterapi::core
