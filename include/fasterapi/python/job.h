#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::python {

// Which of several waiting jobs runs first. A lower one is delayed by higher ones, but not for ever.
enum class priority : uint8_t { high, normal, low };

// A worker as the work in it sees it. One for each interpreter of a SubinterpreterExecutor, one for all threads of a
// PythonExecutor. Guarded by that interpreter's GIL.
struct place {
  size_t position = 0;         // 0, 1, …: pinned interpreters first, then pooled ones
  bool pooled = false;         // shared by several threads
  int64_t interpreter_id = 0;  // 0: the main interpreter
  ref functions;               // those that were called by name, by "module:qualname"
  ref data;                    // whoever prepared the interpreter keeps its own here; released before it ends
  ref interruption;            // the exception that a deadline raises in running code
};

// A unit of work for an executor's workers. The executor calls run() and then publish(), or abandon(), or both: work
// that ran into its deadline is abandoned while it still runs, and published when it ends all the same.
//
// Lifetime: counted. The executor holds it from submission until it is done with it, and says so by release().
class job {
 public:
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  // Does the work, on a worker's thread that is attached to its interpreter; no exception may be pending afterwards.
  // False when it failed: for the executor's statistics.
  virtual bool run(const gil& held, place& here) noexcept = 0;
  // Hands out what run() made. The same thread, still attached.
  virtual void publish() noexcept = 0;
  // There will be no result, and why. Any thread, also while run() is under way; at most once.
  virtual void abandon(core::error why) noexcept = 0;
  // Nobody waits for the result any more: it is not run.
  virtual bool unwanted() const noexcept { return false; }

  virtual void retain() noexcept = 0;
  virtual void release() noexcept = 0;

  // Constant once it is submitted.
  priority urgency = priority::normal;
  int64_t deadline_ns = 0;  // monotonic; 0: none

 protected:
  job() noexcept = default;
  ~job() = default;

 private:
  friend class crew;
  friend class lane;
  friend class watchdog;

  enum class stage : uint8_t { queued, starting, running, over };
  static constexpr size_t not_watched = static_cast<size_t>(-1);

  std::atomic<stage> at_ = stage::queued;
  int64_t submitted_ns_ = 0;
  size_t watch_index_ = not_watched;  // guarded by the watchdog
  bool expired_ = false;              // the watchdog's thread only
};

}  // namespace fasterapi::python
