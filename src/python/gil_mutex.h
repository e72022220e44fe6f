#pragma once

#include <Python.h>

namespace fasterapi::python {

// Guards what the GIL guards where there is one: there it is nothing. To be locked by attached threads, which let go of
// their interpreter while they wait; whoever holds it runs no Python code.
class gil_mutex {
 public:
  gil_mutex() = default;
  gil_mutex(const gil_mutex&) = delete;
  gil_mutex& operator=(const gil_mutex&) = delete;

#ifdef Py_GIL_DISABLED
  void lock() noexcept { PyMutex_Lock(&mutex_); }
  void unlock() noexcept { PyMutex_Unlock(&mutex_); }

 private:
  PyMutex mutex_{};
#else
  void lock() noexcept {}
  void unlock() noexcept {}
#endif
};

}  // namespace fasterapi::python
