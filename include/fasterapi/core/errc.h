#pragma once

#include <system_error>

namespace fasterapi::core {

// Why an operation of futures, queues and executors failed.
enum class errc {
  cancelled = 1,    // somebody asked for the result not to be made any more
  broken_promise,   // whoever was to make the result went away without one
  timed_out,        // the deadline passed first
  queue_full,       // the bound of a queue was reached
  shut_down,        // the executor takes no more work
  invalid_argument  // what was asked for cannot be; the message says why
};

std::error_code make_error_code(errc code) noexcept;

}  // namespace fasterapi::core

template <>
struct std::is_error_code_enum<fasterapi::core::errc> : std::true_type {};
