#pragma once

#include <Python.h>

#include <string_view>

#include "python/parcel.h"

namespace fasterapi::bindings {

// Plain values as shared memory keeps them: the bytes of a parcel without blocks, which every process reads alike.
// Nothing is pickled, so what comes from there runs no code. Called attached.

// None, bool, int, float, str, bytes, and tuples, lists and dicts of these. False with an exception set: TypeError
// names the type that does not fit and where it lies, ValueError tells of nesting deeper than parcel_depth_max.
bool pack_plain(PyObject* value, python::parcel& into);

// A key: no list or dict in it, at most map_key_max_bytes. What Python holds equal (1, 1.0, True) is packed alike.
bool pack_key(PyObject* key, python::parcel& into);

// A new reference, or null with an exception set.
PyObject* unpack_plain(std::string_view bytes);

}  // namespace fasterapi::bindings
