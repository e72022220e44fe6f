#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace fasterapi::bindings {

class remote_call;

// Where workers leave the calls that ended and that somebody of one interpreter wants to be told of, and where that
// interpreter's thread for completions takes them.
//
// Counted, since calls may end after the interpreter has. Any thread may call any member, attached to none.
class completion_port {
 public:
  completion_port() = default;
  completion_port(const completion_port&) = delete;
  completion_port& operator=(const completion_port&) = delete;

  // Keeps a reference to the call until it is taken.
  void push(remote_call& ended);
  // Waits for calls that ended; the references are the caller's. Empty when the port is closed and nothing is left.
  std::vector<remote_call*> take();
  // Nobody will take anything any more once what is there has been taken.
  void close();

  // Counts the calls whose arguments are memory of the port's interpreter.
  void lend() noexcept { lent_.fetch_add(1, std::memory_order_relaxed); }
  void take_back() noexcept;
  // Until no call looks at the interpreter's memory. Not attached. False when the deadline has passed.
  bool wait_returned(int64_t deadline_ns) noexcept;

  // How many waits for a call have looked in vain before they slept, since one did not.
  std::atomic<uint32_t> vain_waits{0};

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~completion_port();

  std::atomic<uint32_t> references_{1};
  std::atomic<uint32_t> lent_{0};

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<remote_call*> ended_;
  bool closed_ = false;
};

}  // namespace fasterapi::bindings
