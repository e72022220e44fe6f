#pragma once

#include <string>

#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"

namespace fasterapi::python {

// A Python exception as plain values, which outlive its interpreter.
struct error {
  std::string type;       // the class's qualified name: "ValueError", "package.module.Refused"
  std::string message;    // str(exception)
  std::string traceback;  // as Python prints it, with what it was raised from

  // Takes the exception that is pending on this thread, which is then pending no more. There must be one.
  static error take(const gil& held);

  // errc::raised; the message is "type: message", the detail the traceback.
  core::error as_core() const;
};

}  // namespace fasterapi::python
