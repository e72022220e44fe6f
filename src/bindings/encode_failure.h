#pragma once

#include <Python.h>

#include <cstdint>
#include <string>

#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

// Why a value could not be encoded, and where in it: `result["items"][3]`.
//
// Filled from the inside out: the encoder reports the reason once, then each container it leaves says which of its
// entries it was at. No Python exception is set between the first report and raise(). All reports return false.
class encode_failure {
 public:
  bool unsupported(PyObject* value) noexcept { return report(reason::unsupported, value); }
  bool unsupported_key(PyObject* key) noexcept { return report(reason::unsupported_key, key); }
  bool out_of_range(double number) noexcept;
  bool too_deep() noexcept { return report(reason::too_deep, nullptr); }
  bool changed_size() noexcept { return report(reason::changed_size, nullptr); }
  // Takes the Python exception that is set.
  bool caught() noexcept;

  bool at_index(Py_ssize_t index) noexcept;
  bool at_key(PyObject* key) noexcept;
  bool at_attribute(PyObject* name) noexcept;

  explicit operator bool() const noexcept { return reason_ != reason::none; }

  // Sets the Python exception; without a report, the buffer is what gave out.
  void raise() noexcept;

 private:
  enum class reason : uint8_t { none, unsupported, unsupported_key, out_of_range, too_deep, changed_size, caught };

  bool report(reason why, PyObject* object) noexcept;
  void prepend(const std::string& segment) noexcept;
  void add_note() noexcept;

  reason reason_ = reason::none;
  double number_ = 0;
  python::ref type_;       // of the value or key that has no form in JSON
  python::ref exception_;  // what Python code raised
  std::string place_;      // below the root, its far end cut off when long
};

}  // namespace fasterapi::bindings
