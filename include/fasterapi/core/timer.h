#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "fasterapi/core/result.h"
#include "fasterapi/core/task.h"

namespace fasterapi::core {

namespace timer_detail {
class deadline_queue;
struct entry;
}  // namespace timer_detail

// Work that a timer has been given. Dropping the handle leaves the work alone; the handle may outlive the timer.
class timer_handle {
 public:
  timer_handle() noexcept = default;

  // Takes the work back and destroys it. False: it is running, has run, or was taken back. Any thread, also the
  // timer's.
  bool cancel() noexcept;

 private:
  friend class timer;

  timer_handle(std::shared_ptr<timer_detail::deadline_queue> queue, std::shared_ptr<timer_detail::entry> entry) noexcept
      : queue_(std::move(queue)), entry_(std::move(entry)) {}

  std::shared_ptr<timer_detail::deadline_queue> queue_;
  std::shared_ptr<timer_detail::entry> entry_;
};

// Runs work when its time has come, on one thread of its own: short work, since what is due after it waits for it.
class timer {
 public:
  // Fails where the system has no thread to give.
  static result<std::unique_ptr<timer>> create();
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  // Waits for work that is running, and destroys what has not run: promises in it are broken.
  // Not to be called by the timer's own thread.
  ~timer();

  // Runs `work` at `deadline_ns` of the monotonic clock, or as soon after it as may be; work of the same deadline in
  // the order in which it came. Any thread.
  timer_handle schedule(int64_t deadline_ns, task work) noexcept;
  // How much work waits.
  size_t size() const noexcept;

 private:
  explicit timer(std::shared_ptr<timer_detail::deadline_queue> queue) noexcept;

  std::shared_ptr<timer_detail::deadline_queue> queue_;
};

}  // namespace fasterapi::core
