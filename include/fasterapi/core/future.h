#pragma once

#include <cassert>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "fasterapi/core/executor.h"
#include "fasterapi/core/future_state.h"
#include "fasterapi/core/result.h"

namespace fasterapi::core {

template <typename T>
class future;

// The side that makes the result: once, on any thread. Owns its part of the state; where it goes away without having
// set a result, the future fails with errc::broken_promise. One allocation serves it and its future.
//
// Threads: an object of its own belongs to one thread at a time; promise and future may be on different ones.
template <typename T = nothing>
class promise {
 public:
  promise() : state_(new plain_state) {}
  promise(promise&&) noexcept = default;
  promise& operator=(promise&& other) noexcept {
    if (this != &other) {
      break_it();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~promise() { break_it(); }

  // A promise for a state that came from elsewhere; takes over a reference that the caller holds.
  static promise adopt(future_state<T>* state) noexcept { return promise(state_ref<future_state<T>>(state)); }

  // False once the result is set, and for one that was moved from. Nothing else may be asked of such a promise.
  bool valid() const noexcept { return bool(state_); }

  // The other side; once.
  future<T> get_future() noexcept {
    assert(valid());
    return future<T>::adopt(state_ref<future_state<T>>::retained(*state_).give_up());
  }

  // Brings the result, wakes whoever waits, and runs the continuations on this thread. False: nobody wanted it any
  // more, it is destroyed. The promise is used up either way.
  bool set(result<T> made) noexcept {
    assert(valid());
    const state_ref<future_state<T>> state = std::move(state_);
    return state->complete(std::move(made));
  }

  // Whether the result is not wanted any more: work may stop.
  bool cancelled() const noexcept { return state_ && state_->cancelled(); }
  // `hook` will be called when the result is cancelled, by the thread that cancels, perhaps while this thread sets the
  // result; at once if that has happened. Dropped when a result comes first. At most one hook.
  void on_cancel(task hook) noexcept {
    assert(valid());
    state_->on_cancel(std::move(hook));
  }

 private:
  struct plain_state final : future_state<T> {};

  explicit promise(state_ref<future_state<T>> state) noexcept : state_(std::move(state)) {}
  void break_it() noexcept {
    if (state_) set(plain_error(make_error_code(errc::broken_promise)));
  }

  state_ref<future_state<T>> state_;
};

namespace future_detail {

// What a continuation's own result amounts to: nothing for void, T for result<T> and for future<T>.
template <typename R>
struct unwrapped {
  using type = R;
};
template <>
struct unwrapped<void> {
  using type = nothing;
};
template <typename R>
struct unwrapped<result<R>> {
  using type = R;
};
template <typename R>
struct unwrapped<future<R>> {
  using type = R;
};

template <typename R>
inline constexpr bool is_future = false;
template <typename R>
inline constexpr bool is_future<future<R>> = true;

template <typename T, typename F>
inline constexpr bool takes_result = std::is_invocable_v<F&, result<T>>;
template <typename T, typename F>
inline constexpr bool takes_nothing = std::is_same_v<T, nothing>&& std::is_invocable_v<F&>;

// Calls a continuation with what it takes. With a bare value there must be one.
template <typename T, typename F>
decltype(auto) call(F& callable, result<T>&& made) {
  if constexpr (takes_result<T, F>) {
    return callable(std::move(made));
  } else if constexpr (takes_nothing<T, F>) {
    return callable();
  } else {
    static_assert(std::is_invocable_v<F&, T>, "a continuation takes a result<T> or a T");
    return callable(made.take());
  }
}

template <typename T, typename F>
using returned = std::remove_cvref_t<decltype(call<T, F>(std::declval<F&>(), std::declval<result<T>>()))>;

template <typename T, typename F>
class then_state;

}  // namespace future_detail

// What a continuation of type F for a future<T> makes a future of.
template <typename T, typename F>
using continued = typename future_detail::unwrapped<future_detail::returned<T, std::decay_t<F>>>::type;

// The side that gets the result, once. Move-only. A future that is dropped lets the work go on; nobody sees its result.
//
// Threads: belongs to one thread at a time.
template <typename T = nothing>
class future {
 public:
  // Without a state; not valid.
  future() noexcept = default;

  // A future for a state that came from elsewhere; takes over a reference that the caller holds.
  static future adopt(future_state<T>* state) noexcept { return future(state_ref<future_state<T>>(state)); }

  // False after get() and then(), and for one that was moved from. Nothing else may be asked of such a future.
  bool valid() const noexcept { return bool(state_); }
  bool ready() const noexcept { return state_->ready(); }

  // Waits for the result and takes it. The future is not valid afterwards.
  result<T> get() noexcept {
    wait();
    const state_ref<future_state<T>> state = std::move(state_);
    return state->take();
  }
  void wait() noexcept { state_->wait_until(no_deadline); }
  // Waits at most so long; whether the result is there.
  bool wait_for(int64_t duration_ns) noexcept { return state_->wait_until(deadline_after(duration_ns)); }
  // Waits until this time of the monotonic clock.
  bool wait_until(int64_t deadline_ns) noexcept { return state_->wait_until(deadline_ns); }

  // Calls f with the result: on the thread that brings it, or at once if it is there. f takes a result<T>, or a T (then
  // errors pass it by; a nothing may be left out), and returns a value, a result, a future (whose result it becomes) or
  // void. The future that is returned has that; this one is not valid afterwards.
  template <typename F>
  future<continued<T, F>> then(F&& f) {
    return continue_on(nullptr, std::forward<F>(f));
  }
  // The same, on a thread of `where`, which must outlive the call. Where that does not take it, or drops it, the
  // returned future fails with errc::broken_promise.
  template <typename F>
  future<continued<T, F>> then(executor& where, F&& f) {
    return continue_on(&where, std::forward<F>(f));
  }

  // Ends it with errc::cancelled, unless there is a result already; whether it did. Whatever this future was made from
  // by then() is cancelled too, and the promise's hook is called. Continuations run on this thread.
  bool cancel() noexcept { return state_->cancel(); }

  // The state, with the reference, for those who build on it; the future is not valid afterwards.
  [[nodiscard]] future_state<T>* give_up() noexcept { return state_.give_up(); }

 private:
  explicit future(state_ref<future_state<T>> state) noexcept : state_(std::move(state)) {}

  template <typename F>
  future<continued<T, F>> continue_on(executor* where, F&& f) {
    assert(valid());
    auto* next = new future_detail::then_state<T, std::decay_t<F>>(where, std::forward<F>(f));
    auto made = future<continued<T, F>>::adopt(state_ref<future_state<continued<T, F>>>::retained(*next).give_up());
    next->follow(state_.give_up());
    return made;
  }

  state_ref<future_state<T>> state_;
};

// Futures that have their result.
template <typename T = nothing>
future<T> make_ready_future(T value = {}) {
  promise<T> made;
  future<T> ready = made.get_future();
  made.set(std::move(value));
  return ready;
}
template <typename T = nothing>
future<T> make_failed_future(error why) {
  promise<T> made;
  future<T> failed = made.get_future();
  made.set(std::move(why));
  return failed;
}

}  // namespace fasterapi::core

#include "fasterapi/core/then_state.h"
