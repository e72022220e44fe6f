#pragma once

#include <Python.h>

#include <cstdint>
#include <unordered_map>

#include "bindings/remote_call.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"
#include "fasterapi/python/job.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

// What one worker's interpreter keeps for the calls that come to it. Guarded by its GIL.
class worker_state {
 public:
  // Of the interpreter that the place is of; made when it is asked for first. Null with a Python error set.
  static worker_state* of(python::place& here) noexcept;

  // The function that is described, as this interpreter has it: a borrowed reference that lasts as long as `held`; null
  // with a Python error set.
  PyObject* function(python::border& by, const function_description& described, python::ref& held) noexcept;

 private:
  static constexpr size_t functions_max = 1024;

  std::unordered_map<uint64_t, python::ref> functions_;
};

// Takes the exception that is set: a tuple for fasterapi._failures.rebuild in another interpreter. Never null.
python::ref take_failure() noexcept;

}  // namespace fasterapi::bindings
