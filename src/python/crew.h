#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/parking.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/job.h"
#include "fasterapi/python/scheduling.h"
#include "python/crew_plan.h"
#include "python/lane.h"
#include "python/position.h"
#include "python/watchdog.h"

namespace fasterapi::python {

// The pinned positions that position `helper` takes work from when it has none: those on its own node first, of `nodes`
// among which positions are dealt out, and beginning with the next one, so that helpers spread.
std::vector<size_t> help_order(size_t helper, size_t pinned, size_t nodes);

// The threads and interpreters of one executor, the queues between them, and who does what next.
//
// Any thread may call any member, attached to no interpreter where it says so. Held by the executor and by each of the
// threads, so that code that never comes back finds its crew when it does.
class crew : public std::enable_shared_from_this<crew> {
 public:
  // Starts the threads and returns at once. Fails for a plan that cannot be; a position for which the system has no
  // thread to give is like one whose interpreter cannot be prepared.
  static core::result<std::shared_ptr<crew>> launch(crew_plan plan);
  ~crew();
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  // Whether every position got a thread at the launch.
  core::result<> started() const;
  // Until every interpreter is prepared, or one could not be: that error. Not attached.
  core::result<> await_ready();

  // Hands a job over; its reference is the crew's from here. Where it cannot be taken: an error, with the job untouched
  // and the reference still the caller's.
  core::result<> submit(job& work, destination where, when_full then);

  size_t pinned() const noexcept { return pinned_; }
  size_t positions() const noexcept { return positions_.size(); }
  executor_stats stats() const;

  // Takes nothing any more; jobs that wait are given up before this returns (cancel), or run still (drain).
  void close(shutdown_mode mode);
  // Ends what is to be ended: nothing is taken any more, jobs that wait are run (drain) or given up (cancel). What
  // still runs after `patience_ns` is interrupted, and after the plan's `stuck_after_ns` left to itself: an error then,
  // as for what finishes for longer than its `finish_patience_ns`. Not attached. A second call waits as well.
  core::result<> shut_down(shutdown_mode mode, int64_t patience_ns);
  // Once it is closed: until it has ended, whatever that takes, or the deadline has passed: false. Not attached.
  bool await_end(int64_t deadline_ns);
  // Once it is closed: gives up the jobs that wait, and interrupts those that run. Not attached.
  void interrupt_all();
  // Whether none of its threads is left.
  bool has_ended() const;
  bool closing() const noexcept { return closing_.load(std::memory_order_acquire); }
  // Puts a fresh interpreter in the place of one that is not to be used any more: it ends once its jobs have. Not
  // attached. False: there is no thread for another, or too much is stuck; it is to be asked for again.
  [[nodiscard]] bool renew(size_t position, int64_t interpreter_id);
  // Ends a position without jobs, and takes none for it any more.
  void dismiss(size_t position);

  // The lanes' side.
  const crew_plan& plan() const noexcept { return plan_; }
  // A thread of a lane. An error says how many of them are wanted.
  core::result<core::thread> start_thread(const position& at, core::task work) const;
  // The lane's first thread is there: returns once the crew knows that too.
  void lane_begins() { const std::lock_guard lock(mutex_); }
  // Before jobs with deadlines, if there will be any.
  core::result<> watch_deadlines() { return plan_.has_deadlines ? watchdog_.start() : core::nothing{}; }
  job* take(position& at, uint32_t& turn) noexcept;
  // Waits for a job; null when the lane is to end.
  job* await(position& at, const lane& of, size_t spot, uint32_t& turn) noexcept;
  // Wakes somebody for a job that is waiting at a position: one of its threads, or any that may run it.
  void announce(position& at, bool bound) noexcept;
  void finished(job& work) noexcept;
  // Jobs that were taken at a position and could not begin: they wait there again.
  void take_back(position& at, const std::vector<job*>& taken);
  // Waits where one that could not be opened is to be opened again; false where it is not to be.
  bool tries_again(const lane& failed, int64_t pause_ns);
  void lane_ready(position& at, core::result<> how);
  void lane_ended(lane& ended) noexcept;

 private:
  using parking = core::parking<>;
  static constexpr int64_t nobody = -1;

  explicit crew(crew_plan plan);
  void furnish();
  void open_position(position& at);
  core::result<> start_lane(position& at, bool replaces);
  void lose(position& at, core::error why);
  position* choose(destination where) noexcept;
  position* idle(position::kind role) noexcept;
  core::error refusal(destination where) const;
  bool reserve(when_full then) noexcept;
  position* spinning(destination where) noexcept;
  bool wake_at(position& at) noexcept;
  void let_go(lane& ending);
  job* spin(position& at, const lane& of, uint32_t& turn) noexcept;
  void pass_on(position& at) noexcept;
  bool over(const lane& of) const noexcept;
  job* claim(job* popped) noexcept;
  void left_queue() noexcept;
  job* steal(position& at, uint32_t& turn) noexcept;
  int64_t expire(job& late);
  bool replace(position& at, const std::shared_ptr<lane>& stuck);
  void give_up(position& at, const core::error& why);
  void abandon_queued(job_queue& queue, const core::error& why);
  void abandon_all_queued(const core::error& why);
  void wake_all() noexcept;
  void join_ended();

  // Constant after construction.
  const crew_plan plan_;
  size_t pinned_ = 0;
  std::unique_ptr<job_queue> pool_queue_;
  std::vector<std::unique_ptr<position>> positions_;
  size_t lane_threads_ = 0;  // at most
  std::unique_ptr<parking> parking_;

  alignas(64) std::atomic<int64_t> queued_ = 0;
  std::atomic<uint32_t> round_ = 0;
  std::atomic<int64_t> spinner_ = nobody;  // the position whose thread looks for work without sleeping
  std::atomic<int32_t> room_wanted_ = 0;   // who wait for room
  std::atomic<bool> closing_ = false;
  struct {
    std::atomic<uint64_t> rejected = 0, timed_out = 0, cancelled = 0, replaced = 0;
  } counts_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable room_;
  std::vector<size_t> free_spots_;  // of ended lanes: where their threads parked
  size_t starting_ = 0;
  core::result<> outcome_ = core::nothing{};  // of preparing
  core::result<> started_ = core::nothing{};
  std::vector<std::shared_ptr<lane>> lanes_;  // with threads that have not ended
  std::vector<std::shared_ptr<lane>> ended_;  // threads to be joined
  size_t stuck_ = 0;                          // lanes that were given up and have not ended

  watchdog watchdog_;
};

}  // namespace fasterapi::python
