#pragma once

#include <Python.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bindings/worker_pool.h"
#include "core/backoff.h"
#include "net/doorbell.h"
#include "server/signal_watch.h"

namespace fasterapi::bindings {

// What a server is to do with its workers. Constant while it serves.
struct serving_plan {
  size_t count = 0;
  std::vector<int> cpus;  // to pin them to; empty: none
  int64_t grace_ms = 0;
  std::string config;  // JSON for each worker
  pool_plan pool;      // of each batch that loads the app anew; without threads: none
  // Makes workers like the first ones, for others to take their places. Null where these cannot be replaced.
  std::function<std::unique_ptr<worker_pool>()> make_workers;
};

// One run of a server whose workers are threads: from their assignment to their end. Workers come in batches: the first
// one, one for each reload, and one for each worker whose handler is stuck. A new batch listens before those that it
// replaces stop to accept, from the same sockets.
//
// Owner: the main thread, which is attached to the main interpreter when it makes this and when this ends, and detached
// in between, except to call Python.
class serving {
 public:
  // How many workers may be stuck at a time. Past it they are not replaced: calls for them are answered with 503, or
  // run in the pool where there is one.
  static constexpr size_t stuck_max = 16;
  // How long until a worker is tried again to be replaced which could not be: twice as long each time, up to the
  // latter.
  static constexpr int64_t replace_pause_ms = 100;
  static constexpr int64_t replace_pause_max_ms = 30'000;
  // How much longer than the grace period the ends of interpreters may take, and with them those of lifespans.
  static constexpr int64_t end_margin_ms = 2'000;

  // Borrowed: on_ready(routes of each worker), once all listen; on_event(what, worker index, text) for the log, where
  // `what` is "stuck", "stuck_among_others" (in an interpreter that others share), "replaced", "not_replaced",
  // "pool_replaced", "pool_not_replaced", "reloading", "reloaded", "reload_failed" or "cannot_reload".
  serving(std::unique_ptr<worker_pool> first, serving_plan plan, PyObject* on_ready, PyObject* on_event);
  ~serving();
  serving(const serving&) = delete;
  serving& operator=(const serving&) = delete;

  // Until a signal, a failure, or the end of all workers. Returns the exit status.
  int run();

 private:
  enum class phase : uint8_t { starting, serving, ending };
  // What a batch is for.
  enum class purpose : uint8_t { first, reload, substitute };
  struct batch {
    std::unique_ptr<worker_pool> workers;
    purpose what;
    pinned_worker* replaced = nullptr;  // of a substitute; kept by its own batch
    phase now = phase::starting;
    bool is_failure_told = false;
  };
  // A worker that is stuck, for whose place there is nobody yet.
  struct vacancy {
    pinned_worker* of;  // kept by its batch
    core::backoff pauses{replace_pause_ms, replace_pause_max_ms};
    int64_t next_try_ms = 0;
    bool is_told = false;
  };

  // How often those are looked for that have something running still in interpreters that are to end.
  static constexpr int64_t ending_pause_ms = 100;
  static constexpr int64_t last_ending_pause_ms = 5;

  bool stopping() const noexcept { return stop_deadline_ms_ >= 0; }
  bool all_over() const;
  int64_t patience_ms() const noexcept;
  void stop();
  void take_signal();
  void reload();
  void start(purpose what, const std::vector<int>& places, pinned_worker* replaced);
  void put_to_work(batch& made, const std::vector<int>& places);
  void notice_failures();
  void dismiss(batch& failed, int worker, const std::string& why);
  void notice_replacements();
  void notice_stuck();
  void fill(const vacancy& open);
  bool is_being_replaced(const pinned_worker& one) const;
  std::string objection_to(const batch& ready) const;
  void notice_readiness();
  void settle(batch& ready);
  void drop_ended();
  void end_interpreters();
  bool with_gil(const std::function<bool()>& work);
  bool call_on_ready(const worker_pool& ready);
  void tell(const char* what, int worker, const std::string& text);

  const serving_plan plan_;
  PyObject* const on_ready_;
  PyObject* const on_event_;
  PyThreadState* detached_;
  PyObject* raised_ = nullptr;                   // by one of the two
  std::shared_ptr<const net::doorbell> events_;  // rung when a worker's state changes
  server::signal_watch signals_;
  std::vector<batch> batches_;  // the oldest first
  std::vector<vacancy> vacancies_;
  int64_t next_try_ms_ = -1;  // to fill one; -1: there is nothing to wait for
  bool has_endings_ = false;  // interpreters that are to end, and have not
  int status_ = 0;
  bool reload_wanted_ = false;
  int64_t stop_began_ms_ = 0;
  int64_t stop_deadline_ms_ = -1;
};

}  // namespace fasterapi::bindings
