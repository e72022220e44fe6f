#pragma once

#include <Python.h>

#include "bindings/module_state.h"
#include "fasterapi/python/ref.h"
#include "server/call.h"

// A request whose handler is a coroutine.
//
// The coroutine is stepped at once, on the spot. If it never suspends, nothing of asyncio is touched. If it suspends, a
// request_task waits for what it waits for and steps it again: the part of asyncio.Task that a request needs, without
// one. A real asyncio.Task takes over only when somebody asks for asyncio.current_task() (a timeout or a task group
// does): from the coroutine's next step on, that task drives it, through the request_task.
namespace fasterapi::bindings {

struct request_task;
struct site;

// What a coroutine's result is.
enum class outcome_kind : uint8_t {
  result,  // a handler's: to be encoded as the route says
  answer,  // (status, raw headers, body), from the app's exception handlers
};

// What a coroutine's first step was started with.
struct first_step {
  server::call* call;
  outcome_kind kind;
};

// A coroutine's step that runs at this moment, driven by the loop itself. Lives on the C++ stack, in
// loop_core::stepping.
struct step_frame {
  PyObject* coroutine;  // borrowed
  PyObject* context;    // borrowed
  python::ref task;     // the request_task, once there is one
  step_frame* previous;
  bool has_asyncio_task = false;      // made during this step
  const first_step* first = nullptr;  // set as long as there may be no `task`
};

int add_request_task(PyObject* module, module_state& state);

// Runs the first step of `coroutine`, which is to end `call`. `context` is entered already. Both are borrowed.
void start_coroutine(site& here, server::call& call, PyObject* coroutine, PyObject* context, outcome_kind kind);

// Goes on with a task from the loop's queue.
void resume_request(PyObject* task);

// Nobody waits for the answer any more: the coroutine gets a CancelledError where it waits.
void cancel_request(PyObject* task);

// Its call is answered without it: it is not stepped any more.
void drop_request(PyObject* task);

// asyncio.current_task() for a thread that may be inside a request's step: a new reference, null with an error set.
PyObject* current_task(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* keywords);

}  // namespace fasterapi::bindings
