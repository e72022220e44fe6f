#pragma once

#include <Python.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fasterapi/core/result.h"
#include "fasterapi/python/interpreter.h"

namespace fasterapi::server {
class shard;
}

namespace fasterapi::bindings {

// What a prepared worker is put to. Constant while it works.
struct assignment {
  int index = 0;
  int cpu = -1;        // to be pinned to; -1: none
  std::string config;  // JSON for fasterapi._worker.run_pinned
};

// A thread with an own-GIL interpreter. It prepares at once (makes the interpreter, imports the package) and then waits
// to be assigned an app to serve, or to be dismissed.
//
// Owner: the pool, on the thread that serves. Members may be called by any thread except where stated.
class pinned_worker {
 public:
  enum class state : uint8_t { starting, serving, ended, failed };

  // `python_path` is the workers' sys.path; `events` an eventfd that is written when a state changes.
  pinned_worker(std::vector<std::string> python_path, int events);
  // join() must have been called.
  ~pinned_worker();
  pinned_worker(const pinned_worker&) = delete;
  pinned_worker& operator=(const pinned_worker&) = delete;

  void assign(assignment work);
  // Ends a worker that was not assigned anything.
  void dismiss();
  void request_stop();
  void join();

  state now() const;
  // serving: its routes as JSON; failed: why, as text for people.
  std::string text() const;

  // The worker's own thread, from Python.
  void announce(server::shard& shard, std::string routes);
  void retire();

 private:
  void run();
  core::result<> prepare();
  core::result<> serve(const python::interpreter& interpreter);
  bool wait_for_assignment();
  void end(state how, std::string text);
  void tell() const;

  // Constant after construction.
  const std::vector<std::string> python_path_;
  const int events_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable assigned_;
  bool has_assignment_ = false;
  bool dismissed_ = false;
  state state_ = state::starting;
  server::shard* shard_ = nullptr;
  bool stop_requested_ = false;
  std::string text_;

  // The worker's own thread, once it is assigned.
  assignment work_;

  std::thread thread_;
};

// The name of the capsules in which Python code carries its worker.
inline constexpr const char* worker_capsule = "fasterapi._engine.worker";

}  // namespace fasterapi::bindings
