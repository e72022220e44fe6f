#pragma once

#include <Python.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "core/thread.h"
#include "python/interruption.h"

namespace fasterapi::server {
class lease;
}

namespace fasterapi::bindings {

// Raises an exception in the handler that a worker has been running for too long. A thread of its own, started when it
// is first needed, because entering the interpreter waits for as long as that handler keeps the GIL.
//
// Owner: the worker, on its thread, attached to its interpreter; request() may be called by any thread.
class interrupter {
 public:
  // For the calling thread. `raised`, an exception class, is held.
  interrupter(const server::lease& watched, PyObject* raised);
  // Waits for its thread, detached meanwhile.
  ~interrupter();
  interrupter(const interrupter&) = delete;
  interrupter& operator=(const interrupter&) = delete;

  // Raises as long as the worker is in that section of its lease, again and again: what the handler caught may have
  // been the exception. Does not block. False where the system has no thread to give: it is to be asked for again.
  bool request(uint64_t section);
  // The worker has left the section: nothing is raised any more, and what was not taken yet is forgotten.
  void settle();
  // Nothing is raised until expose() is called, whatever the section.
  void shelter() noexcept { target_.shelter(); }
  void expose() noexcept { target_.expose(); }

 private:
  void run();

  // Constant.
  const server::lease& watched_;
  PyInterpreterState* const interpreter_;
  PyObject* const raised_;  // owned

  python::interruption target_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t section_ = 0;  // 0: none
  bool ending_ = false;
  core::thread thread_;
};

}  // namespace fasterapi::bindings
