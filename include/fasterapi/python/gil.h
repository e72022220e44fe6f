#pragma once

#include <Python.h>

namespace fasterapi::python {

// Proof that the calling thread is attached to an interpreter, and so holds its GIL. Functions that touch Python
// objects ask for one. It is made by a GILGuard only, is passed by reference, and never crosses a co_await or a thread.
class gil {
 public:
  gil(const gil&) = delete;
  gil& operator=(const gil&) = delete;

  PyThreadState* thread() const noexcept { return thread_; }
  PyInterpreterState* interpreter() const noexcept { return PyThreadState_GetInterpreter(thread_); }

 private:
  friend class GILGuard;
  friend class GILRelease;
  explicit gil(PyThreadState* thread) noexcept : thread_(thread) {}

  PyThreadState* const thread_;
};

// The calling thread's place in one interpreter: what a thread that did not make the interpreter needs to enter it.
// Made once and kept, entering costs a tenth of making it anew.
//
// Owner: the thread that made it, which destroys it too, attached to nothing, before the interpreter ends.
class thread_state {
 public:
  // Needs no GIL; the interpreter must outlive this.
  explicit thread_state(PyInterpreterState* interpreter) noexcept : thread_(PyThreadState_New(interpreter)) {}
  // Enters the interpreter once more, which waits for its GIL.
  ~thread_state();
  thread_state(const thread_state&) = delete;
  thread_state& operator=(const thread_state&) = delete;

  // In the main interpreter of this process.
  static thread_state in_main() noexcept { return thread_state(PyInterpreterState_Main()); }

  PyThreadState* get() const noexcept { return thread_; }

 private:
  PyThreadState* const thread_;
};

// Holds an interpreter's GIL while it lives: attaches the calling thread, which must be attached to none and own
// `place`. Works in every interpreter; the C API's PyGILState functions know the main one only.
class GILGuard {
 public:
  explicit GILGuard(const thread_state& place) noexcept : GILGuard(place.get()) {}
  // For a thread state that something else owns, such as an interpreter's first.
  explicit GILGuard(PyThreadState* place) noexcept : held_(place) { PyEval_RestoreThread(place); }
  ~GILGuard() { PyEval_SaveThread(); }
  GILGuard(const GILGuard&) = delete;
  GILGuard& operator=(const GILGuard&) = delete;

  const gil& token() const noexcept { return held_; }
  // A guard serves as the token it holds. NOLINTNEXTLINE(google-explicit-constructor)
  operator const gil&() const noexcept { return held_; }

 private:
  gil held_;
};

// Lets go of the GIL while it lives, around work that touches no Python object and may take long.
class GILRelease {
 public:
  explicit GILRelease(const gil& held) noexcept : thread_(held.thread()) { PyEval_SaveThread(); }
  ~GILRelease() { PyEval_RestoreThread(thread_); }
  GILRelease(const GILRelease&) = delete;
  GILRelease& operator=(const GILRelease&) = delete;

 private:
  PyThreadState* const thread_;
};

}  // namespace fasterapi::python
