#pragma once

#include <Python.h>

#include "bindings/json_kind.h"

namespace fasterapi::bindings {

// What the JSON encoder keeps in one interpreter: part of module_state, zeroed before add_encode() fills it.
struct encode_state {
  json_kind_cache* kinds;  // owned

  // Interned names (strong references).
  PyObject* as_tuple;
  PyObject* dict;
  PyObject* exponent;
  PyObject* int_;
  PyObject* isoformat;
  PyObject* model_dump;
  PyObject* pattern;
  PyObject* total_seconds;
  PyObject* value;

  PyObject* utc;  // datetime.timezone.utc (strong reference)

  // The arguments of model_dump(mode="json", by_alias=True) (strong references).
  PyObject* json_mode;
  PyObject* model_dump_keywords;
};

int traverse_encode(encode_state& state, visitproc visit, void* arg) noexcept;
void clear_encode(encode_state& state) noexcept;
void free_encode(encode_state& state) noexcept;

}  // namespace fasterapi::bindings
