#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bindings/remote_call.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"
#include "fasterapi/python/job.h"
#include "fasterapi/python/scheduling.h"
#include "python/crew.h"
#include "python/crew_plan.h"
#include "python/parcel.h"

namespace fasterapi::bindings {

// What every interpreter of an executor is prepared with. Constant once the workers start, but for what failed.
struct preparation {
  std::vector<std::string> path;                            // sys.path, in the file system's encoding
  python::parcel shared;                                    // a dict of what is set in __main__
  std::shared_ptr<const function_description> initializer;  // null: none
  python::parcel arguments;                                 // of the initializer

  // Prepares the interpreter that the thread is attached to. The error is what calls fail with.
  core::result<> prepare(const python::gil& held, python::place& here);

  // Why an interpreter could not be prepared, once one could not.
  bool is_broken() const noexcept { return broken_.load(std::memory_order_acquire); }
  std::string why_broken() const;

 private:
  core::result<> run(python::place& here);

  std::atomic<bool> broken_ = false;
  mutable std::mutex mutex_;
  std::string why_;  // guarded by mutex_
};

// How many calls may wait for the workers that all interpreters of a process share.
inline constexpr size_t pool_queue_size = 65536;

// The workers of an executor and of its views. Ended when nobody holds them any more; what waits is run before.
struct shared_workers {
  std::shared_ptr<python::crew> crew;
  std::shared_ptr<preparation> prepared;
  std::atomic<bool> is_shut_down = false;
  std::atomic<uint64_t> retried = 0;  // calls that waited for room in the queue: refused first, and taken then

  shared_workers() = default;
  shared_workers(const shared_workers&) = delete;
  shared_workers& operator=(const shared_workers&) = delete;
  ~shared_workers() {
    if (crew != nullptr && !is_shut_down.load(std::memory_order_acquire)) crew->close(python::shutdown_mode::drain);
  }
};

}  // namespace fasterapi::bindings
