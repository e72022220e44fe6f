#pragma once

#include <Python.h>

#include <atomic>
#include <mutex>
#include <vector>

namespace fasterapi::net {
class poller;
}

namespace fasterapi::bindings {

// What other threads hand to a loop, until that takes it up in its next turn.
//
// post() may be called by any thread that is attached to the loop's interpreter, the rest by the loop's own thread.
class loop_inbox {
 public:
  loop_inbox() = default;
  ~loop_inbox() { close(); }
  loop_inbox(const loop_inbox&) = delete;
  loop_inbox& operator=(const loop_inbox&) = delete;

  // Takes things in from now on, and wakes this poller for them.
  void open(const net::poller& wakes);
  // Takes nothing in any more; what was not taken up is dropped.
  void close() noexcept;

  // Hands an object over: its reference is the inbox's then. False, with nothing done, where the loop is closed.
  bool post(PyObject* item);

  // Whether there is something to be taken up.
  bool has_items() const noexcept { return has_items_.load(std::memory_order_acquire); }
  // All that is there, the oldest first; the references are the caller's.
  std::vector<PyObject*> take();

  int traverse(visitproc visit, void* arg) const;

 private:
  // No Python code runs while it is held, so that nobody waits for it who is waited for.
  std::mutex mutex_;
  // Guarded by mutex_; for traverse(), by the fact that all other threads stand still.
  std::vector<PyObject*> items_;  // owned
  const net::poller* wakes_ = nullptr;

  std::atomic<bool> has_items_ = false;
};

}  // namespace fasterapi::bindings
