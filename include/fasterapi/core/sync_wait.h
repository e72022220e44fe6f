#pragma once

#include <utility>

#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/spawn.h"

namespace fasterapi::core {

// Runs a coroutine on this thread as far as it gets, and then waits until it has ended, wherever it goes on. Not to be
// called by the thread of an executor on which it is to go on.
template <typename T>
result<T> sync_wait(coro_task<T> work) {
  return spawn(std::move(work)).get();
}

}  // namespace fasterapi::core
