#pragma once

#include <Python.h>

#include <cstdint>

#include "fasterapi/core/result.h"

namespace fasterapi::python {

// A sub-interpreter with a GIL of its own (PEP 684), made by, attached to and ended by one thread.
//
// CPython's rules that callers keep: `datetime` was imported in the main interpreter before the first of them; the main
// interpreter's GIL is free while one is made and while it imports extension modules.
class interpreter {
 public:
  // Makes one on the calling thread, which must not be attached to any; it is attached to the new one afterwards.
  static core::result<interpreter> create();

  interpreter(interpreter&& other) noexcept;
  interpreter& operator=(interpreter&&) = delete;
  // end() or abandon() must have been called.
  ~interpreter();

  int64_t id() const noexcept { return id_; }

  // Ends it: runs its atexit functions, joins its threads, frees its objects. The calling thread must be the one that
  // made it, attached to it, with no Python frame on its stack; afterwards it is attached to none.
  void end() noexcept;
  // Leaves it as it is for the rest of the process's life, where ending it is not possible: daemon threads still run in
  // it. The calling thread is attached to it, and to none afterwards.
  void abandon() noexcept;

 private:
  interpreter(PyThreadState* thread, int64_t id) noexcept : thread_(thread), id_(id) {}

  PyThreadState* thread_;
  int64_t id_;
};

}  // namespace fasterapi::python
