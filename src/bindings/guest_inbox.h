#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace fasterapi::bindings {

struct loop_object;
class pool_call;

// Coroutines of pooled calls on their way to the loop that is to run them, wishes that they end, and those that run
// there.
//
// Owner: the loop and whoever sends to it. Any thread may call any member except where stated.
class guest_inbox {
 public:
  explicit guest_inbox(loop_object* loop) : loop_(loop) {}

  // Lets the loop begin the call's coroutine. False once that takes none any more.
  bool begin(pool_call& guest);
  // Lets the loop cancel the call, and interrupts it where it runs at this moment and `at_once` is set.
  void cancel(pool_call& guest, bool at_once);
  // Has another interpreter take the place of the loop's, if the call keeps the loop at this moment, which is
  // interrupted until then. False: that is to be asked for again.
  bool give_up_loop_of(const pool_call& guest);

  // The loop's own thread, attached.
  bool empty() const noexcept { return empty_.load(std::memory_order_acquire); }
  // Does what was asked for.
  void deliver();
  // A call's coroutine begins here; it has come to its end, and the call is answered.
  void entered(pool_call& guest);
  void left(pool_call& guest) noexcept;
  // Takes no more.
  void dismiss();
  // Whether it takes no more and all have ended.
  bool all_left() const noexcept { return dismissed_ && live_.empty() && empty(); }
  // Cancels those that have not ended; how many.
  size_t cancel_all();
  // Answers for those that have not ended, which are not stepped any more; how many.
  size_t drop_all();
  // The loop is about to close: what has not ended, or not begun, is answered without.
  void close();

 private:
  void add(std::vector<pool_call*>& to, pool_call& guest);
  std::optional<uint64_t> section_of(const pool_call& guest) const;

  std::atomic<bool> empty_ = true;

  // The loop's own thread.
  std::vector<pool_call*> live_;  // each knows its index
  bool dismissed_ = false;        // written with mutex_

  // Guarded by mutex_.
  std::mutex mutex_;
  loop_object* loop_;              // null once it is closed
  std::vector<pool_call*> begun_;  // a reference to each
  std::vector<pool_call*> cancelled_;
};

}  // namespace fasterapi::bindings
