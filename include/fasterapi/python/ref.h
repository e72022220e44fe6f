#pragma once

#include <Python.h>

#include <utility>

namespace fasterapi::python {

// An owned reference to a Python object, or none.
//
// Owner: one thread attached to the object's interpreter; made, moved and destroyed only while attached to it.
// `steal` takes over a new reference (what most of the C API returns), `share` adds one to a borrowed pointer.
// Builds that define FASTERAPI_BOUND_REFS (debug builds of the library do, for themselves and for whoever links them)
// stop the program where a reference is used in another interpreter than the one it was made in.
class ref {
 public:
  constexpr ref() noexcept = default;
  ~ref() {
    check();
    Py_XDECREF(object_);
  }
  ref(ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) { bind_as(other); }
  ref& operator=(ref&& other) noexcept {
    if (this == &other) return *this;
    check();
    PyObject* const dropped = std::exchange(object_, std::exchange(other.object_, nullptr));
    bind_as(other);
    Py_XDECREF(dropped);
    return *this;
  }
  ref(const ref&) = delete;
  ref& operator=(const ref&) = delete;

  // Takes over a new reference, or null.
  [[nodiscard]] static ref steal(PyObject* object) noexcept { return ref(object); }
  // Adds one to a borrowed pointer, or null.
  [[nodiscard]] static ref share(PyObject* object) noexcept { return ref(Py_XNewRef(object)); }

  PyObject* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  // Gives the reference to the caller.
  [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  // Where a C function stores a new reference; drops the one held.
  [[nodiscard]] PyObject** out() noexcept {
    check();
    Py_CLEAR(object_);
    bind();
    return &object_;
  }

 private:
  explicit ref(PyObject* object) noexcept : object_(object) {
    if (object != nullptr) bind();
  }

  PyObject* object_ = nullptr;

#ifdef FASTERAPI_BOUND_REFS
  void bind() noexcept { home_ = PyInterpreterState_Get(); }
  void bind_as(const ref& other) noexcept { home_ = other.home_; }
  void check() const noexcept {
    if (object_ == nullptr || home_ == PyInterpreterState_Get()) return;
    Py_FatalError("a reference was used in another interpreter than the one it was made in");
  }

  PyInterpreterState* home_ = nullptr;  // of the object, while there is one
#else
  static void bind() noexcept {}
  static void bind_as(const ref&) noexcept {}
  static void check() noexcept {}
#endif
};

}  // namespace fasterapi::python
