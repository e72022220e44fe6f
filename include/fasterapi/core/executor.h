#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

#include "fasterapi/core/task.h"

namespace fasterapi::core {

// Where tasks run. An executor outlives everything that was told to continue on it.
class executor {
 public:
  executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  virtual ~executor();

  // Takes work, to run it once on a thread of the executor's own. Any thread may call it. False: it was not taken and
  // is destroyed already, so that the promises which it held are broken. A task that was taken may still be destroyed
  // without having run, when the executor ends first.
  virtual bool post(task work) noexcept = 0;
};

// Runs work at once, on the thread that brings it.
class inline_executor final : public executor {
 public:
  bool post(task work) noexcept override;
};

// A queue that is worked off by whoever calls run(): for main threads and for tests. Work that is left is destroyed
// with the executor. Every member may be called by any thread.
class manual_executor final : public executor {
 public:
  ~manual_executor() override;

  bool post(task work) noexcept override;

  // Runs the oldest task on this thread; false when there is none.
  bool run_one() noexcept;
  // Waits for a task until `until_ns` of the monotonic clock (no_deadline: for as long as it takes) and runs it on this
  // thread; false when none came, or the executor was closed.
  bool run_one_until(int64_t until_ns) noexcept;
  // Runs tasks until none is left, also those that were posted meanwhile; how many it were.
  size_t run() noexcept;
  // Takes no more work; destroys what is queued, and ends run_one_until().
  void close() noexcept;
  size_t size() const noexcept;

 private:
  task take(std::unique_lock<std::mutex> held) noexcept;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<task> queue_;  // guarded by mutex_
  bool closed_ = false;     // guarded by mutex_
};

}  // namespace fasterapi::core
