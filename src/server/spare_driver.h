#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/thread.h"

namespace fasterapi::server {

class call_runner;
class lease;
class shard;

// Drives a shard without any interpreter until it is told to stop and every request is answered: handlers run where
// `runner` runs them.
void drive(shard& driven, call_runner& runner) noexcept;

// A thread that drives other workers' shards while those are busy with a handler, one at a time.
//
// Owner: the monitor, which calls everything from one thread.
class spare_driver {
 public:
  // Fails where there is no thread for it.
  static core::result<std::unique_ptr<spare_driver>> create();
  // Not while it drives.
  ~spare_driver();
  spare_driver(const spare_driver&) = delete;
  spare_driver& operator=(const spare_driver&) = delete;

  bool idle() const;
  // Drives the shard of a lease that the monitor has taken, until its worker wants it back. Not while it drives
  // another.
  void take_over(lease& taken);

 private:
  spare_driver() = default;
  void run();

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  lease* taken_ = nullptr;
  bool ending_ = false;

  core::thread thread_;
};

}  // namespace fasterapi::server
