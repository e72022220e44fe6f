#pragma once

#include <Python.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "bindings/interrupter.h"
#include "bindings/loop_inbox.h"
#include "bindings/module_state.h"
#include "bindings/site.h"
#include "core/ring.h"
#include "json/reader.h"
#include "net/poller.h"
#include "server/busy_meter.h"
#include "server/lease.h"
#include "server/monitor.h"
#include "server/shard.h"

namespace fasterapi::bindings {

class call_pool;
class guest_inbox;
struct handle_object;
class pinned_worker;
struct step_frame;

// The C++ half of a worker's asyncio loop: the queue of callbacks, the timers, the descriptors that asyncio watches,
// and the shard whose poller is the loop's selector. One turn (`_run_once`) is a turn of the shard.
//
// The shard is lent out while Python code takes its time (server/lease.h): in the sources of this folder it is touched
// after `hold->enter()` only, and every piece of Python code runs after `hold->leave()`.
//
// All members belong to the thread that runs the loop, attached to its interpreter, except where stated.
struct loop_core {
  struct timer {
    double when;
    uint64_t sequence;  // keeps timers of one instant in order
    handle_object* handle;
  };

  module_state* state = nullptr;  // of the interpreter; the loop's type keeps it alive
  std::unique_ptr<server::shard> shard;
  std::optional<net::poller> descriptors;  // that asyncio watches; the shard watches it
  std::optional<server::lease> hold;       // of this thread on the shard
  std::optional<interrupter> deadlines;    // raises RequestTimeout in this thread; once serving
  std::shared_ptr<server::monitor> watched_by;
  // Who is told that this thread is stuck: a worker of this process, or whoever reads from a pipe (a line of JSON).
  std::atomic<pinned_worker*> worker = nullptr;
  std::atomic<int> stuck_reports = -1;
  core::ring<PyObject*> ready;  // owned: handles, request tasks, or any object with `_run` and `_cancelled`
  std::vector<timer> timers;    // a heap, the earliest first; handles are owned
  uint64_t timer_sequence = 0;
  std::atomic<size_t> cancelled_timers = 0;  // about; any thread may cancel
  loop_inbox inbox;                          // of call_soon_threadsafe
  std::atomic<unsigned long> thread_id = 0;  // Python's name for the loop's thread

  std::shared_ptr<call_pool> pool;      // that runs handlers elsewhere; null: none
  bool pool_only = false;               // it runs all of them
  std::shared_ptr<guest_inbox> guests;  // coroutines of the pool's calls that run here; null: none do
  std::function<bool()> spoiled;        // told that their loop is of no use: the app has ended it, or keeps it;
                                        // false: it is to be told again
  server::busy_meter busy;              // how long handlers hold up the shard
  std::optional<json::reader> reader;   // of bodies that the shard leaves to handlers
  site here;                            // where its handlers run; its routes and app are owned, once serving
  step_frame* stepping = nullptr;       // the request whose coroutine runs at this moment and has no Task
  bool is_shown = true;                 // asyncio knows it as the loop that runs in its thread
};

struct loop_object {
  PyObject_HEAD loop_core* core;
  PyObject* weak_references;
  bool stopping;  // asyncio's `_stopping`: run_forever() is to return
};

inline module_state& state_of_loop(const loop_object* loop) noexcept { return *loop->core->state; }

int add_loop(PyObject* module, module_state& state);

// Called by a timer's handle when it is cancelled.
void note_cancelled_timer(loop_object* loop);

// Hands the current exception to loop.call_exception_handler. False, with the exception still set, if it is one that
// ends the loop.
bool report_callback_error(loop_object* loop, PyObject* callback);

// Comes back to the shard, before it is touched: on the loop's own thread, attached.
void enter_shard(loop_object* loop);

// Lets asyncio know the loop as the one that runs in its thread, for code that may wait; or, for a `def` handler, none:
// as in the pool, so that what such a handler may do does not depend on where it runs. Each is cheap where it is so
// already. On the loop's own thread, attached, with no Python error set.
void show_loop(loop_object* loop);
void hide_loop(loop_object* loop);

// Puts an object (a reference is taken over) at the end of the queue.
void push_ready(loop_object* loop, PyObject* item);

}  // namespace fasterapi::bindings
