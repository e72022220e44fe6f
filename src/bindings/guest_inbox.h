#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace fasterapi::bindings {

struct loop_object;
class pool_call;

// Coroutines of pooled calls on their way to the loop that is to run them, and wishes that they end.
//
// Owner: the loop and whoever sends to it. Any thread may call any member except where stated.
class guest_inbox {
 public:
  explicit guest_inbox(loop_object* loop) : loop_(loop) {}

  // Lets the loop begin the call's coroutine. False once the loop is closed.
  bool begin(pool_call& guest);
  // Lets the loop cancel the call, and interrupts it where it runs at this moment and `at_once` is set.
  void cancel(pool_call& guest, bool at_once);

  // The loop's own thread, attached.
  bool empty() const noexcept { return empty_.load(std::memory_order_acquire); }
  // Does what was asked for.
  void deliver();
  // The loop is about to close: what has not begun is answered without.
  void close();

 private:
  void add(std::vector<pool_call*>& to, pool_call& guest);

  std::atomic<bool> empty_ = true;

  // Guarded by mutex_.
  std::mutex mutex_;
  loop_object* loop_;              // null once it is closed
  std::vector<pool_call*> begun_;  // a reference to each
  std::vector<pool_call*> cancelled_;
};

}  // namespace fasterapi::bindings
