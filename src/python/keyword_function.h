#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"
#include "fasterapi/python/ref.h"
#include "fasterapi/python/value.h"

namespace fasterapi::python {

// What a Python function may be given by name. A value; no interpreter owns it.
struct keyword_parameters {
  std::vector<std::string> names;     // in order
  std::vector<std::string> required;  // those of them that have no default
  bool takes_any = false;             // it has a **parameter
};

// A Python function of one interpreter, called with plain values by name.
//
// Guarded by that interpreter's GIL, which must be held where it is destroyed too.
class keyword_function {
 public:
  // Imports the module where it is not imported yet. errc::not_found where it has no such attribute, errc::raised where
  // its import failed.
  static core::result<keyword_function> find(const gil& held, const std::string& module, const std::string& qualname);

  // errc::not_plain where it cannot be called like that: a coroutine function, or one with a positional-only parameter
  // that has no default.
  core::result<keyword_parameters> parameters(const gil& held) const;
  // What it returns; errc::raised for what it raises, errc::not_plain for a result that cannot leave the interpreter.
  core::result<value> call(const gil& held, const std::vector<std::pair<std::string, value>>& keywords) const;

 private:
  explicit keyword_function(ref function) noexcept : function_(std::move(function)) {}

  ref function_;
};

}  // namespace fasterapi::python
