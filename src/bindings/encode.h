#pragma once

#include <Python.h>

#include "core/byte_buffer.h"

namespace fasterapi::bindings {

struct module_state;

// How deep a value may nest; deeper is taken for a value that contains itself. Bounds the C stack.
inline constexpr int encode_depth_max = 1000;

// Appends `value` as JSON by FastAPI's rules: jsonable_encoder, then json.dumps with ensure_ascii=False,
// allow_nan=False and no spaces.
//
// Runs on a thread attached to the state's interpreter; may run Python code of the value's classes, which may change
// the value meanwhile. False with a Python exception set, and `out` as long as before:
//   TypeError           a value, or a dict's key, that JSON has no form for; the message names its type and place
//   ValueError          NaN or an infinity
//   UnicodeEncodeError  a lone surrogate in a str
//   RecursionError      nested deeper than encode_depth_max, or a value that contains itself
//   MemoryError         `out` is full (it stays failed())
//   anything that the value's own methods raise, with a note that says where in the value it was
[[nodiscard]] bool encode_json(module_state& state, PyObject* value, core::byte_buffer& out) noexcept;

// Adds `encode_json` to the module and fills the state's part. -1 with a Python exception set.
int add_encode(PyObject* module, module_state& state) noexcept;

}  // namespace fasterapi::bindings
