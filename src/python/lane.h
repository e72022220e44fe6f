#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/thread.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/interpreter.h"
#include "fasterapi/python/job.h"
#include "python/gil_mutex.h"
#include "python/interruption.h"

namespace fasterapi::python {

class crew;
struct position;

// An interpreter with the threads that run jobs in it: an own-GIL one that lives and dies with this, or the main one.
//
// Owner: the crew, and its own threads for as long as they run. A lane that is stuck is given up: it takes no more
// work, and ends by itself if its code ever comes back.
class lane {
 public:
  // Its threads park from `first_spot` on. `replaces`: there was another one at this position.
  lane(crew& of, position& at, size_t first_spot, bool replaces);
  // Its threads have ended.
  ~lane();
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;

  // Starts the first thread, which starts the others, makes the interpreter and prepares it, if need be again and
  // again, and tells the crew how that went. It may be destroyed once join() has returned. `keep` lives until its
  // threads have ended. Fails where the system has no thread to give; nothing has happened then. With the crew's mutex
  // held.
  core::result<> start(std::shared_ptr<crew> keep);
  // Waits for its threads, unless the caller is one of them.
  void join() noexcept;

  // Any thread.
  // Takes no more jobs once the present ones have ended.
  void leave() noexcept { leaving_.store(true, std::memory_order_seq_cst); }
  bool leaving() const noexcept { return leaving_.load(std::memory_order_seq_cst); }
  // Whether one of its threads is running `work` at this moment.
  bool runs(const job& work) const noexcept;
  // Raises the interruption in the thread that runs `work` (null: in all that run anything), as soon as the GIL is to
  // be had, unless that is sheltered then. `work` is held meanwhile. Without effect where the system has no thread to
  // give that could wait for the GIL: whoever wants the code to end asks until it does.
  void interrupt(job* work);
  position& where() const noexcept { return position_; }
  size_t first_spot() const noexcept { return first_spot_; }
  bool replaces() const noexcept { return replaces_; }
  // -1: it has none yet.
  int64_t interpreter_id() const noexcept { return interpreter_id_.load(std::memory_order_acquire); }
  // Whether its threads have run their last jobs, and the interpreter is about to end.
  bool finishing();
  // Gives up jobs that threads took and wait to begin: they are the caller's, claimed again as queued.
  std::vector<job*> reclaim();

  bool given_up = false;  // guarded by the crew's mutex

 private:
  enum class phase : uint8_t {
    opening,
    working,    // threads run jobs, which may be interrupted
    finishing,  // the last ones are over, and the interpreter is about to end
  };
  struct worker {
    std::atomic<job*> taken = nullptr;    // waits for the GIL to begin
    std::atomic<job*> current = nullptr;  // runs; written with the GIL held
    gil_mutex interrupting;               // held from the look at `current` to the raising, and while that ends
    interruption raised;                  // in its thread
    uint32_t turn = 0;
    size_t spot = 0;
    core::thread thread;
  };

  void run_first();
  void run_next(size_t index);
  core::result<> start_others();
  core::result<> open();
  core::result<> enter();
  core::result<> prepare(const gil& held);
  void leave_interpreter() noexcept;
  void work(worker& self, PyThreadState* thread);
  void execute(worker& self, job& next, const gil& held) noexcept;
  void enter_phase(phase next);
  void run_interrupter();

  // Constant after construction.
  crew& crew_;
  position& position_;
  const size_t first_spot_;
  const bool replaces_;
  std::vector<std::unique_ptr<worker>> workers_;

  // Owned by the first thread, and guarded by the GIL once the others work.
  std::optional<interpreter> own_;
  std::optional<thread_state> in_main_;
  PyThreadState* first_ = nullptr;
  PyInterpreterState* state_ = nullptr;
  place place_;

  std::atomic<bool> leaving_ = false;
  std::atomic<int64_t> interpreter_id_ = -1;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::vector<job*> to_interrupt_;  // retained
  bool interrupt_all_ = false;
  phase now_ = phase::opening;
  core::thread interrupter_;
};

}  // namespace fasterapi::python
