#pragma once

#include <Python.h>

#include "bindings/module_state.h"

namespace fasterapi::bindings {

struct loop_object;

// A callback that an event loop will run: asyncio.Handle and asyncio.TimerHandle in one (fields with the same meaning).
struct handle_object {
  PyObject_HEAD PyObject* callback;  // null once cancelled
  PyObject* args;                    // a tuple, or null for none
  PyObject* context;
  loop_object* loop;  // owned
  double when;        // of a timer, on the loop's clock; 0 otherwise
  bool cancelled;
  bool scheduled;  // a timer that is in the loop's heap
};

int add_handle(PyObject* module, module_state& state);

// A handle for `callback(*args)`; `context` null means a copy of the current one. Null with a Python error set.
handle_object* make_handle(module_state& state, loop_object* loop, PyObject* callback, PyObject* const* args,
                           Py_ssize_t count, PyObject* context);

// Runs the callback in its context; an exception goes to the loop's exception handler.
// False with a Python error set for those that end the loop (SystemExit, KeyboardInterrupt).
bool run_handle(handle_object* handle);

}  // namespace fasterapi::bindings
