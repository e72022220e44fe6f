#pragma once

#include <Python.h>

#include "core/byte_buffer.h"

namespace fasterapi::bindings {

// Whether `type` is the interpreter's own datetime.datetime: written in C, laid out as write_datetime() reads it.
bool is_builtin_datetime(PyTypeObject* type) noexcept;

// The moment as a JSON string, as isoformat() says it. `utc` is datetime.timezone.utc or null. False, and nothing
// written, for a time zone other than UTC, whose offset only Python code knows.
bool write_datetime(core::byte_buffer& out, PyObject* datetime, PyObject* utc) noexcept;

}  // namespace fasterapi::bindings
