#pragma once

#include <Python.h>

#include "bindings/asyncio_parts.h"
#include "bindings/encode_state.h"
#include "bindings/executor_parts.h"

namespace fasterapi::bindings {

// Everything the extension keeps in one interpreter. Guarded by that interpreter's GIL; no object in here ever
// reaches another interpreter. Zeroed by CPython before the module executes; each field's owner fills it.
struct module_state {
  // Types of this module (strong references).
  PyTypeObject* plan_type;
  PyTypeObject* handle_type;
  PyTypeObject* loop_type;
  PyTypeObject* routes_type;
  PyTypeObject* request_base_type;
  PyTypeObject* request_task_type;
  PyTypeObject* shared_channel_type;

  // What the Python package gives at start (strong references; see bind_package).
  PyObject* request_class;
  PyObject* response_class;
  PyObject* handle_exception;
  PyObject* handle_status;
  PyObject* handle_validation_error;
  PyObject* log_timeout;
  PyObject* request_timeout;

  // Interned names.
  PyObject* status_code_name;
  PyObject* raw_headers_name;
  PyObject* body_name;

  asyncio_parts asyncio;
  encode_state encode;
  executor_parts executor;
};

module_state& state_of(PyObject* module) noexcept;
// The state of the interpreter that owns `type` or one of its bases (types made by this module only).
module_state& state_of_type(PyTypeObject* type) noexcept;

extern PyModuleDef module_definition;

}  // namespace fasterapi::bindings
