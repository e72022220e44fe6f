#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "fasterapi/core/result.h"
#include "net/doorbell.h"
#include "python/counted_job.h"

namespace fasterapi::server {
class shard;
}

namespace fasterapi::bindings {

class call_pool;

// What a worker is put to. Constant while it works.
struct assignment {
  int index = 0;
  int cpu = -1;                     // to be pinned to; -1: none
  const char* program;              // of fasterapi._worker: what serves
  std::string config;               // JSON for it
  std::shared_ptr<call_pool> pool;  // that runs handlers for it; null: the one of this process, if there is one
};

// The job of a thread that serves, in an interpreter of its own or in the main one: it drives a shard until it is told
// to stop.
//
// Owner: the pool, on the thread that serves, and the crew that runs it. Members may be called by any thread except
// where stated.
class pinned_worker final : public python::counted_job {
 public:
  enum class state : uint8_t { starting, serving, ended, failed };

  // `events` is rung when a state changes.
  pinned_worker(assignment work, std::shared_ptr<const net::doorbell> events)
      : work_(std::move(work)), events_(std::move(events)) {}

  void request_stop();
  // As request_stop(), leaving the listening socket to others, who accept from it already.
  void request_drain();
  // Whether it was asked for either.
  bool is_to_end() const;
  int index() const noexcept { return work_.index; }
  state now() const;
  // serving: its routes as JSON; failed: why, as text for people.
  std::string text() const;

  // Whether a handler does not end, and nothing interrupts it.
  void note_stuck(bool stuck);
  bool is_stuck() const noexcept { return is_stuck_.load(std::memory_order_acquire); }

  // The worker's own thread, from Python.
  void announce(server::shard& shard, std::string routes);
  void retire();

  bool run(const python::gil& held, python::place& here) noexcept override;
  void publish() noexcept override;
  void abandon(core::error why) noexcept override;

 private:
  core::result<> serve(const python::gil& held, int64_t interpreter_id);
  void end(state how, std::string text);

  // Constant after construction.
  const assignment work_;
  const std::shared_ptr<const net::doorbell> events_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  state state_ = state::starting;
  server::shard* shard_ = nullptr;
  bool stop_requested_ = false;
  bool drain_requested_ = false;
  std::string text_;

  std::atomic<bool> is_stuck_ = false;

  // The worker's own thread.
  core::result<> outcome_ = core::nothing{};
};

// The name of the capsules in which Python code carries its worker.
inline constexpr const char* worker_capsule = "fasterapi._engine.worker";

}  // namespace fasterapi::bindings
