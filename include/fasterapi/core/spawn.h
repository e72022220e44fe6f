#pragma once

#include <coroutine>
#include <cstdlib>
#include <utility>

#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/coro_transfer.h"
#include "fasterapi/core/executor.h"
#include "fasterapi/core/future.h"

namespace fasterapi::core {

namespace coro_detail {

// A coroutine that nobody owns: it ends by itself.
struct detached {
  struct promise_type {
    detached get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::abort(); }
  };

  std::coroutine_handle<> coroutine;
};

template <typename T>
detached drive(coro_task<T> work, promise<T> made) {
  made.set(co_await std::move(work));
}

}  // namespace coro_detail

// Starts a coroutine that runs for itself: on this thread as far as it gets, then wherever what it awaits takes it. The
// future has its result, brought by the thread on which it ends. Cancelling the future does not stop the coroutine:
// give it a cancel_token for that. Dropping the future lets it go on.
template <typename T>
future<T> spawn(coro_task<T> work) {
  promise<T> made;
  future<T> result = made.get_future();
  coro_detail::resume(coro_detail::drive(std::move(work), std::move(made)).coroutine);
  return result;
}

// Starts it on a thread of `where`. Where that does not take it, or drops it, the coroutine is destroyed and the future
// fails with errc::broken_promise.
template <typename T>
future<T> spawn(executor& where, coro_task<T> work) {
  promise<T> made;
  future<T> result = made.get_future();
  where.post([work = std::move(work), made = std::move(made)]() mutable {
    coro_detail::resume(coro_detail::drive(std::move(work), std::move(made)).coroutine);
  });
  return result;
}

}  // namespace fasterapi::core
