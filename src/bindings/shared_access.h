#pragma once

#include <Python.h>

#include "shared/directory.h"
#include "shared/patience.h"
#include "shared/region.h"

namespace fasterapi::bindings {

// Gives the GIL up while the calling thread waits for a lock of shared memory. Made attached.
class gil_patience final : public shared::patience {
 public:
  void give_up() noexcept override { state_ = PyEval_SaveThread(); }
  void take_back() noexcept override { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_ = nullptr;
};

// The process's shared memory; null with an exception set.
const shared::region* shared_region();

// The object of that name (a str), made where it is not there. Null with an exception set: TypeError where the name
// belongs to another kind, ValueError where the name or the options do not fit, MemoryError where the region is full.
void* open_shared(const shared::region& in, PyObject* name, const shared::object_plan& plan);

// Sets MemoryError, which names the bound. Returns null.
PyObject* raise_shared_full(const shared::region& in);

// A number of seconds as nanoseconds: above 0, inf is `forever`. False with an exception set.
bool read_seconds(PyObject* seconds, const char* what, uint64_t forever, uint64_t& ns);

}  // namespace fasterapi::bindings
