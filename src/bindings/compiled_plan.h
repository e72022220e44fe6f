#pragma once

#include <Python.h>

#include <vector>

#include "core/arena.h"
#include "fasterapi/python/ref.h"
#include "python/convert.h"
#include "schema/errors.h"
#include "schema/plan.h"
#include "schema/value.h"

namespace fasterapi::bindings {

// A plan together with the Python objects that calling the handler needs.
//
// `shape` may be read by any thread; the rest is guarded by the GIL of the interpreter that made it.
struct compiled_plan {
  schema::plan shape;
  python::converter convert;
  std::vector<python::fallback> defaults;  // by parameter; empty for required ones
  std::vector<python::ref> validators;     // by type id; set for foreign types: f(value, location) -> (ok, result)
  std::vector<size_t> call_order;          // positional arguments first, then those passed by keyword
  size_t positional_count = 0;
  python::ref keywords;  // a tuple of names, or none
};

// Reads what fasterapi._signature.compile_plan made. False with a Python error set.
bool read_spec(PyObject* spec, compiled_plan& into);

// Builds the arguments of one call for PyObject_Vectorcall(handler, arguments, positional_count, keywords): one new
// reference per parameter, in call order. `request` is borrowed, and may be null unless the plan needs it.
//
// False with a Python error set when an argument could not be made, or without one when values that Python code checks
// were refused: `errors` then says why. On false `arguments` holds nothing.
bool build_arguments(const compiled_plan& plan, const schema::value* values, PyObject* request, core::arena& arena,
                     schema::error_list& errors, PyObject** arguments);

}  // namespace fasterapi::bindings
