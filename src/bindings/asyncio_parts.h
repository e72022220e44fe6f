#pragma once

#include <Python.h>

namespace fasterapi::bindings {

struct module_state;

// What the engine uses of asyncio, per interpreter (strong references). Filled by load_asyncio().
struct asyncio_parts {
  PyTypeObject* future_type;  // the C implementations: their awaitables raise what they hold when they are resumed
  PyTypeObject* task_type;
  PyObject* cancelled_error;
  PyObject* current_task;  // asyncio's own
  PyObject* enter_task;
  PyObject* leave_task;
  PyObject* get_running_loop;
  PyObject* set_running_loop;
  // Interned names.
  PyObject* blocking_name;
  PyObject* add_done_callback_name;
  PyObject* throw_name;
  PyObject* cancel_name;
  PyObject* result_name;
  PyObject* context_keywords;  // ("context",)
};

// -1 with a Python error set.
int load_asyncio(asyncio_parts& parts);
int traverse_asyncio(asyncio_parts& parts, visitproc visit, void* arg);
void clear_asyncio(asyncio_parts& parts);

}  // namespace fasterapi::bindings
