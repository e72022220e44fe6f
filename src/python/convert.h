#pragma once

#include <Python.h>
#include <datetime.h>

#include <cstdint>
#include <vector>

#include "fasterapi/python/ref.h"
#include "json/value.h"
#include "schema/value.h"

namespace fasterapi::python {

// What stands in for a value that was not sent.
struct fallback {
  ref value;            // the default; none when there is no default
  ref factory;          // called for the default, when set
  bool copied = false;  // `value` is mutable: every use gets a deep copy
};

// How one dataclass or TypedDict is made.
struct record_maker {
  ref type;  // the dataclass; none for a TypedDict, which becomes a dict
  std::vector<ref> names;
  std::vector<fallback> fallbacks;
  ref post_init;  // the name "__post_init__" when the class has one
};

// The Python objects that conversion needs beyond the values themselves.
//
// Guarded by the GIL of the interpreter that made it; constant after construction.
struct converter {
  std::vector<ref> objects;           // enum members and literals, by value::object_index
  std::vector<record_maker> records;  // by value::type_id; empty entries for types that are no records
  ref decimal_type;                   // set when some type needs it
  ref uuid_type;
  ref uuid_safety;    // uuid.SafeUUID.unknown
  ref uuid_int_name;  // "int" and "is_safe": the attributes of a UUID
  ref uuid_safe_name;
  ref deep_copy;  // copy.deepcopy
  const PyDateTime_CAPI* datetime = nullptr;

  // A new reference; null with a Python error set. `absent` and `foreign` values are the caller's to settle.
  PyObject* convert(const schema::value& from) const noexcept;
  // The default as a new reference; null with a Python error set.
  PyObject* fall_back(const fallback& to) const noexcept;
};

// A JSON value as json.loads would give it; bytes stay bytes. A new reference; null with a Python error set.
PyObject* json_object(const json::value& from) noexcept;

// A str from UTF-8 that may hold lone surrogates in their three-byte form.
PyObject* text_object(const char* text, uint32_t size, bool has_surrogate) noexcept;

}  // namespace fasterapi::python
