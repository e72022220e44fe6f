#pragma once

#include <cstdint>

#include "fasterapi/core/result.h"

namespace fasterapi::server {

// Ends this process, with status 1, `patience_ms` after the other end of a pipe has been closed: by whoever held it, or
// by its death. It needs nothing of the threads that run here then, which may be stuck in code that nothing interrupts.
// `pipe` is a reading end, which stays the caller's and open; it is not read from. Fails where there is no thread that
// could watch it.
core::result<> end_with_other_side(int pipe, int64_t patience_ms);

}  // namespace fasterapi::server
