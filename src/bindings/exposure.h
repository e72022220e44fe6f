#pragma once

#include <Python.h>

// Code of the app that the package's own Python code calls, and the other way round, where a deadline may pass.
namespace fasterapi::bindings {

// exposed() and sheltered().
int add_exposure(PyObject* module);

}  // namespace fasterapi::bindings
