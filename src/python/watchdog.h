#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "core/thread.h"
#include "fasterapi/python/job.h"

namespace fasterapi::python {

// Tells when the deadlines of jobs pass. One thread, attached to no interpreter.
//
// Any thread may call any member.
class watchdog {
 public:
  // `expired` runs on the watchdog's thread, without its lock, with a reference to the job that it may keep for the
  // time of the call. It returns when to call it again for the same job (monotonic ns), or 0.
  explicit watchdog(std::function<int64_t(job&)> expired) : expired_(std::move(expired)) {}
  // Ends the thread. The jobs that are still watched are let go of.
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  // Starts the thread, if it does not run yet. Fails where the system has none to give.
  core::result<> start();
  // Watches a job that has a deadline. Once it has started.
  void arm(job& watched);
  // Watches it no more; `expired` may still be running for it.
  void disarm(job& watched) noexcept;

 private:
  struct entry {
    int64_t due_ns;
    job* watched;  // retained
  };

  void run();
  void insert(job& watched, int64_t due_ns);
  void remove(size_t index) noexcept;
  void sift_up(size_t index) noexcept;
  void sift_down(size_t index) noexcept;
  void put(size_t index, entry one) noexcept;

  const std::function<int64_t(job&)> expired_;
  std::atomic<bool> is_started_ = false;  // written with mutex_

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<entry> heap_;  // a binary heap, the earliest first
  bool ending_ = false;
  core::thread thread_;
};

}  // namespace fasterapi::python
