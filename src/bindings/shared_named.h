#pragma once

#include <Python.h>

#include <new>

#include "bindings/shared_access.h"
#include "core/clock.h"
#include "fasterapi/python/ref.h"
#include "shared/wait_point.h"

namespace fasterapi::bindings {

// The Python object of a shared object that needs nothing but its name. `Shared` lies in shared memory, for as long as
// the process.
template <typename Shared>
struct named {
  PyObject_HEAD PyObject* name;
  const shared::region* region;
  Shared* object;

  static named& in(PyObject* self) noexcept { return *reinterpret_cast<named*>(self); }

  // A new reference to an instance of `type`; null with an exception set.
  static PyObject* open(PyTypeObject* type, PyObject* name, const shared::object_plan& plan,
                        const shared::region* region) {
    void* opened = open_shared(*region, name, plan);
    PyObject* made = opened == nullptr ? nullptr : type->tp_alloc(type, 0);
    if (made == nullptr) return nullptr;
    in(made).name = Py_NewRef(name);
    in(made).region = region;
    in(made).object = static_cast<Shared*>(opened);
    return made;
  }

  static void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    Py_CLEAR(in(self).name);
    type->tp_free(self);
    Py_DECREF(type);
  }

  static PyObject* get_name(PyObject* self, void*) { return Py_NewRef(in(self).name); }

  static PyObject* reduce(PyObject* self, PyObject*) { return Py_BuildValue("O(O)", Py_TYPE(self), in(self).name); }
};

// A function of another signature as METH_FASTCALL and METH_KEYWORDS have it.
template <typename Function>
PyCFunction as_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

// How long one wait in C lasts at most: between two, Python looks for signals and asynchronous exceptions.
inline constexpr int64_t wait_slice_ns = 50'000'000;

// Tries; where that fails sleeps once without the GIL, for `wait_ns` and at most wait_slice_ns, and tries again.
// `attempt` tells whether it is done. False with an exception set where a signal's handler raised one.
template <typename Attempt>
bool try_and_wait(shared::wait_point& point, int64_t wait_ns, bool& done, Attempt attempt) {
  done = attempt();
  if (done || wait_ns <= 0) return true;
  const uint32_t round = point.arrive();
  done = attempt();
  if (done) return true;
  const int64_t deadline = core::monotonic_ns() + (wait_ns < wait_slice_ns ? wait_ns : wait_slice_ns);
  PyThreadState* state = PyEval_SaveThread();
  point.sleep(round, deadline);
  PyEval_RestoreThread(state);
  if (PyErr_CheckSignals() != 0) return false;
  done = attempt();
  return true;
}

// A METH_FASTCALL method's seconds to wait, as nanoseconds.
inline bool read_wait(PyObject* seconds, int64_t& wait_ns) {
  const double number = PyFloat_AsDouble(seconds);
  if (number == -1.0 && PyErr_Occurred() != nullptr) return false;
  wait_ns = number <= 0 ? 0 : number > 1 ? wait_slice_ns : static_cast<int64_t>(number * 1e9);
  return true;
}

}  // namespace fasterapi::bindings
