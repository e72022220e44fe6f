#pragma once

#include <Python.h>

namespace fasterapi::bindings {

class executor_side;

// What executors and their futures need of Python (strong references), and their C++ part. See bind_executor.
struct executor_parts {
  PyTypeObject* future_base_type;
  PyTypeObject* executor_base_type;
  PyObject* future_class;
  PyObject* condition_class;   // threading.Condition
  PyObject* describe;          // fasterapi._functions.describe
  PyObject* rebuild;           // fasterapi._failures.rebuild
  PyObject* tell_completions;  // starts the thread that calls take_completed()
  PyObject* cancelled_error;
  PyObject* broken_error;
  executor_side* side;
};

int traverse_executor(executor_parts& parts, visitproc visit, void* arg);
void clear_executor(executor_parts& parts);

}  // namespace fasterapi::bindings
