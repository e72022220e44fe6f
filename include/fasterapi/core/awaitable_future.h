#pragma once

#include <atomic>
#include <cassert>
#include <coroutine>
#include <cstdint>
#include <optional>
#include <utility>

#include "fasterapi/core/cancel.h"
#include "fasterapi/core/coro_transfer.h"
#include "fasterapi/core/executor.h"
#include "fasterapi/core/future.h"

namespace fasterapi::core {

namespace coro_detail {

// Brings a coroutine back to the executor on which it wants to go on. Lives until both the awaiting side and the side
// that resumes are done with it, since the coroutine may be destroyed while it waits.
class resumption final : public continuation {
 public:
  // Of two references, one belongs to the caller and one to the continuation.
  resumption(std::coroutine_handle<> waiting, executor& where) noexcept : waiting_(waiting), where_(where) {}

  shared_state* run(shared_state& source) noexcept override;

  // The awaiting side. Whether the executor dropped what was to resume the coroutine.
  bool dropped() const noexcept { return dropped_; }
  // The awaiting side goes, and the coroutine with it; on the executor's thread, or before there is a result.
  void leave() noexcept;

 private:
  class posted;

  void resume(bool dropped) noexcept;
  void release() noexcept;

  const std::coroutine_handle<> waiting_;
  executor& where_;
  std::atomic<uint32_t> references_ = 2;
  std::atomic<bool> over_ = false;  // the coroutine was resumed, or is gone
  bool dropped_ = false;            // written before the coroutine is resumed
};

}  // namespace coro_detail

// What a coroutine awaits in order to get the result of a future: `co_await make_awaitable(std::move(future))`.
//
// Threads: without an executor, the coroutine goes on where the result is brought, inside promise::set() or
// future::cancel(), or at once where there is a result. With one, it goes on on the executor, in every case; where the
// executor drops it, on the thread that does, and the result is errc::broken_promise.
// With a token, cancelling that cancels the future, which then gives errc::cancelled.
//
// Lifetime: part of the coroutine that awaits. That may be destroyed while it waits: with an executor, on the thread of
// that executor; without one, by whoever knows that no other thread brings the result at that moment. The future is
// dropped then, not cancelled.
template <typename T>
class [[nodiscard]] awaitable_future final : private continuation {
 public:
  explicit awaitable_future(future<T> source, executor* where = nullptr, cancel_token token = {}) noexcept
      : state_(source.give_up()), where_(where), token_(std::move(token)) {
    assert(state_);
  }
  awaitable_future(const awaitable_future&) = delete;
  awaitable_future& operator=(const awaitable_future&) = delete;
  ~awaitable_future() {
    cancelling_.reset();
    if (resumption_ != nullptr) resumption_->leave();
    if (attached_) state_->detach();
  }

  bool await_ready() const noexcept { return where_ == nullptr && state_->ready(); }

  // Once the continuation is attached, another thread may go on with the coroutine, and this object may be gone.
  bool await_suspend(std::coroutine_handle<> waiting) {
    auto* const state = state_.get();
    if (token_.can_be_cancelled()) cancelling_.emplace(token_, [state] { state->cancel(); });
    if (where_ == nullptr) {
      waiting_ = waiting;
      attached_ = true;
      if (state->attach(*this)) return true;
      attached_ = false;
      return false;
    }
    auto* const there = new coro_detail::resumption(waiting, *where_);
    resumption_ = there;
    state->retain();
    const state_ref<future_state<T>> kept(state);
    if (!state->attach(*there)) there->run(*state);
    return true;
  }

  result<T> await_resume() noexcept {
    attached_ = false;
    cancelling_.reset();
    if (resumption_ != nullptr && resumption_->dropped()) return plain_error(make_error_code(errc::broken_promise));
    return state_->take();
  }

 private:
  shared_state* run(shared_state&) noexcept override {
    coro_detail::resume(waiting_);
    return nullptr;
  }

  state_ref<future_state<T>> state_;
  executor* const where_;
  const cancel_token token_;
  std::optional<cancel_callback> cancelling_;
  std::coroutine_handle<> waiting_;
  coro_detail::resumption* resumption_ = nullptr;
  bool attached_ = false;  // the state has this as its continuation
};

template <typename T>
awaitable_future<T> make_awaitable(future<T> source, cancel_token token = {}) noexcept {
  return awaitable_future<T>(std::move(source), nullptr, std::move(token));
}
template <typename T>
awaitable_future<T> make_awaitable(future<T> source, executor& where, cancel_token token = {}) noexcept {
  return awaitable_future<T>(std::move(source), &where, std::move(token));
}

}  // namespace fasterapi::core
