#pragma once

#include <Python.h>

#include <cstdint>

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

  // What is raised is raised in the calling thread from now on, which runs Python code with that state. Needs no GIL.
  void bind(const PyThreadState* thread) noexcept;
  // The last one that the calling thread has bound and that is there still; null: none.
  static interruption* here() noexcept;

  // Raises an exception class as soon as the thread runs Python code; no effect while it is sheltered. Where it has
  // been raised before, it is again only if code goes on `cleanup_ns` after that was seen to be taken: a `finally`
  // needs time too. `now_ns` is monotonic. Any thread that is attached to the same interpreter.
  void raise(PyObject* kind, int64_t now_ns) noexcept;
  static constexpr int64_t cleanup_ns = 100'000'000;
  // When to raise again what code has not ended of: it may have caught it, or be in C.
  static constexpr int64_t again_ns = 50'000'000;

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

  // Of the thread; constant once bound.
  unsigned long thread_id_ = 0;
  const PyThreadState* thread_ = nullptr;

  bool sheltered_ = false;  // written by the thread, with mutex_

  gil_mutex mutex_;
  // Guarded by it.
  bool raised_ = false;    // since settle()
  bool sent_ = false;      // the code that runs has been interrupted, or will be
  int64_t taken_ns_ = -1;  // when it was seen to have been; negative: not yet
};

}  // namespace fasterapi::python
