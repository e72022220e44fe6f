#pragma once

#include <Python.h>

namespace fasterapi::python {

// While it lives no other thread changes the object (a list, a dict, one of ours): what the GIL sees to where there is
// one. As with the GIL, code that waits or runs Python code in between may let others in.
class critical_section {
 public:
  critical_section(const critical_section&) = delete;
  critical_section& operator=(const critical_section&) = delete;

#ifdef Py_GIL_DISABLED
  // Attached. `object` is borrowed.
  explicit critical_section(PyObject* object) noexcept { PyCriticalSection_Begin(&section_, object); }
  ~critical_section() { PyCriticalSection_End(&section_); }

 private:
  PyCriticalSection section_;
#else
  explicit critical_section(PyObject*) noexcept {}
#endif
};

}  // namespace fasterapi::python
