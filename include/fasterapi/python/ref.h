#pragma once

#include <Python.h>

#include <utility>

namespace fasterapi::python {

// An owned reference to a Python object, or none.
//
// Owner: one thread attached to the object's interpreter; made, moved and destroyed only while attached to it.
// `steal` takes over a new reference (what most of the C API returns), `share` adds one to a borrowed pointer.
class ref {
 public:
  constexpr ref() noexcept = default;
  ~ref() { Py_XDECREF(object_); }
  ref(ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  ref& operator=(ref&& other) noexcept {
    if (this != &other) Py_XDECREF(std::exchange(object_, std::exchange(other.object_, nullptr)));
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
    Py_CLEAR(object_);
    return &object_;
  }

 private:
  explicit ref(PyObject* object) noexcept : object_(object) {}

  PyObject* object_ = nullptr;
};

}  // namespace fasterapi::python
