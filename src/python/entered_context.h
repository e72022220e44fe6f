#pragma once

#include <Python.h>

#include <utility>

#include "fasterapi/python/ref.h"

namespace fasterapi::python {

// A contextvars.Context that Python code runs in as long as this lives. Leaving it keeps the current exception.
//
// Owner: one thread attached to the context's interpreter, on its stack: contexts are left in the reverse order.
class entered_context {
 public:
  // Enters `context`; none (with a Python error set) is not entered. Ask whether it was: if not, there is an error set.
  explicit entered_context(ref context) noexcept : context_(std::move(context)) {
    if (context_ && PyContext_Enter(context_.get()) != 0) context_ = {};
  }
  ~entered_context() {
    if (!context_) return;
    PyObject* raised = PyErr_GetRaisedException();
    if (PyContext_Exit(context_.get()) != 0) PyErr_WriteUnraisable(context_.get());
    PyErr_SetRaisedException(raised);
  }
  entered_context(const entered_context&) = delete;
  entered_context& operator=(const entered_context&) = delete;

  // A copy of the current context, entered.
  static entered_context copy_of_current() noexcept { return entered_context(ref::steal(PyContext_CopyCurrent())); }

  explicit operator bool() const noexcept { return static_cast<bool>(context_); }
  PyObject* get() const noexcept { return context_.get(); }

 private:
  ref context_;
};

}  // namespace fasterapi::python
