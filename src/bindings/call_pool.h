#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bindings/module_state.h"
#include "python/crew.h"
#include "server/call_runner.h"
#include "server/placement.h"
#include "server/placement_log.h"

namespace fasterapi::bindings {

// What a pool is to be made of. Constant afterwards.
struct pool_plan {
  size_t threads = 0;
  size_t interpreters = 0;        // own-GIL ones that the threads share; 0: they are the main one's
  size_t first_index = 0;         // of the worker that the first of its interpreters is
  size_t queue_size = 1024;       // calls that may wait
  int64_t finish_ms = 0;          // how long the end of its interpreters' apps may take
  PyObject* main_loop = nullptr;  // of those in the main one: goes on with their coroutines; held by whoever starts it
  std::vector<std::string> python_path;  // sys.path of interpreters of its own
  std::string config;                    // JSON for fasterapi._worker.open_pool
  bool log_moves = false;                // tell on standard error what was moved between the workers and the pool …
  bool log_as_json = false;              // … as JSON
  std::function<void()> changed;  // called by any thread when it is ready, has failed, or has news of replacements
};

// Why an interpreter may not take the place of another, for people.
inline constexpr const char* other_routes = "the app declares other routes now than when it was loaded\n";

// What became of a pooled interpreter that was stuck.
struct replacement {
  size_t index;     // of the worker that it is
  std::string why;  // there is none yet, and it is tried again; empty: it has been replaced
};

// Runs handlers of calls on threads beside those that drive shards.
//
// Any thread may call any member except where stated. One for all shards of a process, or of one generation of the app
// (pool_keeper); it outlives them.
class call_pool final : public server::call_runner {
 public:
  explicit call_pool(pool_plan plan);

  // Makes one, and starts its interpreters.
  static std::shared_ptr<call_pool> start(pool_plan plan);
  // That of the worker whose thread this is; elsewhere the one started last and not retired. Null: none.
  static std::shared_ptr<call_pool> here();
  // Says that this thread is a worker's with that pool, or, by null, that it is none any more.
  static void set_here(std::shared_ptr<call_pool> pool);
  // Ends one that workers do not use any more. It stays as long as code in it does not end. Not attached.
  static void retire(std::shared_ptr<call_pool> ended);

  // Until all its threads are there, or could not be: that error. Not attached.
  core::result<> await_ready();
  // Takes no calls any more, and lets its interpreters end. Not attached.
  void close() { crew_->close(python::shutdown_mode::cancel); }
  bool has_ended() const { return crew_->has_ended(); }
  // Whether each of its own interpreters has been opened.
  bool ready() const noexcept { return opened_.load(std::memory_order_acquire) >= plan_.interpreters; }
  // Why an interpreter could not be opened at first; empty if all could, so far.
  std::string failure() const;
  // What has been replaced since the last call, or could not be.
  std::vector<replacement> take_replacements();
  // What each of its interpreters declared, as JSON.
  std::vector<std::string> routes() const;
  bool run(server::call& given, server::shard& home) noexcept override;
  void interrupt(server::call& running) noexcept override;
  bool overdue(server::call& running) noexcept override;
  bool shares_gil() const noexcept override { return plan_.interpreters == 0; }
  // Whether a call that is given now begins at once, probably.
  bool has_idle_thread() const noexcept { return under_way_.load(std::memory_order_relaxed) < plan_.threads; }

  server::placement& where() noexcept { return placement_; }
  const server::placement& where() const noexcept { return placement_; }
  python::executor_stats stats() const { return crew_->stats(); }

  // A call's answer has been posted.
  void ended() noexcept { under_way_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  core::result<> open(const python::gil& held, python::place& here);
  void note_opening(size_t position, const core::result<>& how);
  static void finish(const python::gil& held, python::place& here);
  void launch();

  const pool_plan plan_;
  server::placement_log log_;
  server::placement placement_;
  std::shared_ptr<python::crew> crew_;  // constant once launched
  std::atomic<size_t> opened_ = 0;      // positions that have had an interpreter
  std::atomic<size_t> under_way_ = 0;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::vector<std::string> routes_;  // by position; empty: never opened yet
  std::vector<bool> has_opened_;     // by position
  std::string failure_;
  std::vector<replacement> replacements_;
};

// Keeps a pool open for the workers of one generation of the app: those that were loaded together, and those that took
// the places of such. The last holder's end retires it, which must not be attached.
class pool_keeper {
 public:
  explicit pool_keeper(pool_plan plan) : pool_(call_pool::start(std::move(plan))) {}
  ~pool_keeper() { call_pool::retire(pool_); }
  pool_keeper(const pool_keeper&) = delete;
  pool_keeper& operator=(const pool_keeper&) = delete;

  const std::shared_ptr<call_pool>& pool() const noexcept { return pool_; }

 private:
  const std::shared_ptr<call_pool> pool_;
};

// start_main_pool() and stop_main_pool().
int add_call_pool(PyObject* module, module_state& state);

}  // namespace fasterapi::bindings
