#pragma once

#include <system_error>

namespace fasterapi::python {

// Why an operation that involves Python failed.
enum class errc {
  raised = 1,          // Python code raised: the error's message is "Type: text", its detail the traceback
  interpreter_failed,  // an interpreter could not be made, or not be prepared for work
  not_found,           // a module has no such attribute, or there is no such module
  not_plain            // a value cannot cross from one interpreter to another
};

std::error_code make_error_code(errc code) noexcept;

}  // namespace fasterapi::python

template <>
struct std::is_error_code_enum<fasterapi::python::errc> : std::true_type {};
