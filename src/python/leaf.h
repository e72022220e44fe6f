#pragma once

#include <Python.h>

#include "python/parcel.h"

namespace fasterapi::python {

// Objects that hold no others, as items of a parcel. Called attached; false with an exception set.

// An int.
bool put_integer(PyObject* number, parcel& to) noexcept;
// A str.
bool put_text(PyObject* text, parcel& to) noexcept;

}  // namespace fasterapi::python
