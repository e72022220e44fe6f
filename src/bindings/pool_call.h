#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "bindings/request_task.h"
#include "bindings/site.h"
#include "core/ticks.h"
#include "python/counted_job.h"
#include "server/call.h"
#include "server/posted_answer.h"

namespace fasterapi::server {
class shard;
}

namespace fasterapi::bindings {

class call_pool;
class guest_inbox;

// A call whose handler runs in the pool: the job that runs it there, and its answer on the way back.
//
// Lifetime: counted. The driver of the call's shard holds it from the beginning until the answer is taken, the crew
// while it is a job. The call itself is the handler's until the answer is posted; of it, this reads nothing that the
// driver writes meanwhile.
class pool_call final : public python::counted_job, public server::posted_answer {
 public:
  // How much later than the call's own deadline the job's is: the shard, which answers, comes first.
  static constexpr int64_t grace_ms = 10;

  // By the shard's driver; `pool` outlives it.
  pool_call(server::call& guest, server::shard& home, call_pool& pool);
  // That of a call that was given to the pool.
  static pool_call& of(const server::call& given) noexcept { return *static_cast<pool_call*>(given.handler); }

  // The driver of the shard: nobody waits for the answer any more.
  void interrupt(bool timed_out);
  // It was interrupted long ago: a coroutine that keeps its loop all the same costs that its interpreter.
  bool overdue();

  // The handler's side: a thread that is attached to the interpreter where it runs.
  server::call& guest() const noexcept { return *to; }
  const endpoints& ends() const noexcept { return ends_; }
  bool unwanted() const noexcept override { return false; }  // it is run, to be answered
  bool given_up() const noexcept { return given_up_.load(std::memory_order_acquire); }
  // Its deadline has passed, of which the shard may not know yet.
  bool timed_out() const noexcept { return timed_out_.load(std::memory_order_acquire); }
  // Ends the call: its answer is posted.
  void deliver(const server::answer_view& given);
  void deliver_error(std::string_view why);
  // Lets the site's loop go on with what the handler returned. False when that is closed.
  bool hand_over(const site& here, PyObject* coroutine, PyObject* context, outcome_kind kind);
  // The loop's thread: begins what was handed over to it, or lets go of it.
  void start_coroutine();
  void drop_coroutine();
  // The loop's thread: it ends. The coroutine is cancelled; it is not stepped any more, and the call is answered.
  void end_with_loop();
  void drop_task();
  // Whether an error that the handler ends with comes from that.
  bool ends_with_loop() const noexcept { return ends_with_loop_; }
  // Answers that the handler was not run to its end.
  void deliver_lost();

  PyObject* task = nullptr;  // of a coroutine that has suspended; owned

  bool run(const python::gil& held, python::place& here) noexcept override;
  void publish() noexcept override {}
  void abandon(core::error why) noexcept override;
  void done() noexcept override { release(); }

  static constexpr size_t no_guest = static_cast<size_t>(-1);

 private:
  friend class guest_inbox;

  enum class stage : uint8_t { waiting, begun, dropped };

  void measure();
  void run_handler(const site& of_loop);
  void leave_loop() noexcept;

  // Constant after construction.
  server::shard& home_;
  call_pool& pool_;
  const endpoints ends_;

  std::atomic<stage> at_ = stage::waiting;
  std::atomic<bool> given_up_ = false;
  std::atomic<bool> timed_out_ = false;

  // The handler's side.
  core::ticks begun_;
  bool handed_over_ = false;
  PyObject* coroutine_ = nullptr;
  PyObject* context_ = nullptr;
  outcome_kind kind_ = outcome_kind::result;
  loop_object* loop_ = nullptr;
  bool ends_with_loop_ = false;
  size_t guest_index_ = no_guest;  // among those that run on the loop

  // Guarded by mutex_.
  std::mutex mutex_;
  std::shared_ptr<guest_inbox> inbox_;  // of the loop that has the coroutine
};

}  // namespace fasterapi::bindings
