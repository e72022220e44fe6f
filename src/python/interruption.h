#pragma once

#include <Python.h>

#include "fasterapi/python/gil.h"
#include "python/gil_mutex.h"

namespace fasterapi::python {

// Exceptions that other threads raise in the code of one thread, and times at which they may not.
//
// Owner: whoever has the thread, which calls everything but raise(), attached to its interpreter.
class interruption {
 public:
  interruption() = default;
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  // What is raised is raised in the calling thread from now on.
  void bind() noexcept;
  // The last one that the calling thread has bound and that is there still; null: none.
  static interruption* here() noexcept;

  // Raises an exception class as soon as the thread runs Python code; no effect while it is sheltered. Any thread that
  // is attached to the same interpreter.
  void raise(PyObject* kind) noexcept;

  // Code follows that must not be interrupted: what was raised and not taken yet is forgotten, and nothing is raised.
  void shelter() noexcept;
  // Code follows that may be interrupted.
  void expose() noexcept;
  bool is_sheltered() const noexcept { return sheltered_; }
  // The code that could be interrupted is over: what was not taken yet is forgotten. True if anything has been raised
  // since this was called last. What follows may be interrupted again.
  bool settle() noexcept;

 private:
  void forget() noexcept;

  unsigned long thread_id_ = 0;  // Python's name for the thread; constant once bound
  bool sheltered_ = false;       // written by the thread, with mutex_

  gil_mutex mutex_;
  bool raised_ = false;  // guarded by it
};

}  // namespace fasterapi::python
