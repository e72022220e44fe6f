#pragma once

#include <cassert>
#include <concepts>
#include <coroutine>
#include <cstdlib>
#include <optional>
#include <utility>

#include "fasterapi/core/coro_transfer.h"
#include "fasterapi/core/result.h"

namespace fasterapi::core {

template <typename T>
class coro_task;

namespace coro_detail {

class child_link;

// What a coroutine knows, whatever it returns: who goes on after it, and which coroutine it waits for.
class promise_base {
 public:
  promise_base() noexcept = default;
  promise_base(const promise_base&) = delete;
  promise_base& operator=(const promise_base&) = delete;

  std::suspend_always initial_suspend() const noexcept { return {}; }
  auto final_suspend() const noexcept { return to_awaiting{}; }
  [[noreturn]] void unhandled_exception() const noexcept { std::abort(); }

 private:
  friend class child_link;

  // Hands the thread over to whoever awaits the result.
  struct to_awaiting {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    transferred await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return transfer(ended.promise().awaiting_);
    }
    void await_resume() const noexcept {}
  };

  std::coroutine_handle<> awaiting_ = std::noop_coroutine();
  child_link* awaited_through_ = nullptr;  // of the coroutine that awaits this one
  child_link* child_ = nullptr;            // of the coroutine that this one awaits
};

// What owns a coroutine: a coro_task, and whatever awaits it. While a coroutine awaits another, the links lead from
// either to the other, so that a suspended chain is destroyed from its end, with a stack of the same depth however long
// it is.
class child_link {
 public:
  child_link() noexcept = default;
  child_link(std::coroutine_handle<> coroutine, promise_base& promise) noexcept
      : coroutine_(coroutine), promise_(&promise) {}
  child_link(child_link&& other) noexcept
      : coroutine_(std::exchange(other.coroutine_, nullptr)), promise_(std::exchange(other.promise_, nullptr)) {
    assert(other.parent_ == nullptr);
  }
  child_link& operator=(child_link&& other) noexcept {
    if (this != &other) {
      destroy();
      coroutine_ = std::exchange(other.coroutine_, nullptr);
      promise_ = std::exchange(other.promise_, nullptr);
    }
    return *this;
  }
  ~child_link() { destroy(); }

  bool valid() const noexcept { return bool(coroutine_); }
  promise_base* promise() const noexcept { return promise_; }

  // Makes `parent` go on when the coroutine ends; gives the coroutine, to be resumed.
  template <typename Promise>
  std::coroutine_handle<> begin(std::coroutine_handle<Promise> parent) noexcept {
    promise_->awaiting_ = parent;
    promise_->awaited_through_ = this;
    if constexpr (std::derived_from<Promise, promise_base>) {
      parent_ = &parent.promise();
      parent_->child_ = this;
    }
    return coroutine_;
  }
  void end() noexcept {
    if (promise_base* parent = std::exchange(parent_, nullptr)) parent->child_ = nullptr;
  }

 private:
  void destroy() noexcept {
    if (!coroutine_) return;
    promise_base* innermost = promise_;
    while (innermost->child_ != nullptr) innermost = innermost->child_->promise_;
    while (innermost != promise_) {
      child_link* owner = innermost->awaited_through_;
      innermost = owner->parent_;
      owner->end();
      std::exchange(owner->coroutine_, nullptr).destroy();
    }
    end();
    std::exchange(coroutine_, nullptr).destroy();
  }

  std::coroutine_handle<> coroutine_;
  promise_base* promise_ = nullptr;  // of the coroutine
  promise_base* parent_ = nullptr;   // of the coroutine that awaits it
};

template <typename T>
class task_promise final : public promise_base {
 public:
  coro_task<T> get_return_object() noexcept;

  // A T, an error, a result<T>, or what a T is made from.
  template <typename Value>
  requires std::constructible_from<result<T>, Value>
  void return_value(Value&& value) { made_.emplace(std::forward<Value>(value)); }

  result<T> take() noexcept {
    assert(made_.has_value());
    return std::move(*made_);
  }

 private:
  std::optional<result<T>> made_;
};

}  // namespace coro_detail

// A coroutine that runs when it is awaited and gives a result<T>: co_return takes a T, an error or a result<T>, so that
// CO_TRY works in it. A coroutine of nothing ends with `co_return nothing{}`.
//
// It runs on the thread that awaits it, and after each await on the thread that brings what it waited for. Awaiting,
// and coming back, hand the thread over: neither loops nor recursions of any number of awaits need more stack
// (docs/cpp/futures.md tells for which builds).
//
// Lifetime: move-only; owns the coroutine, which owns its arguments. A task may be destroyed before it was awaited, and
// while it is suspended: what it awaits is destroyed with it. It must not be running then, on any thread. Awaiting it
// once takes it out of the object.
template <typename T = nothing>
class [[nodiscard]] coro_task {
 public:
  using promise_type = coro_detail::task_promise<T>;
  using value_type = T;

  coro_task() noexcept = default;
  coro_task(coro_task&&) noexcept = default;
  coro_task& operator=(coro_task&&) noexcept = default;

  // False for one that was moved from, or awaited.
  bool valid() const noexcept { return link_.valid(); }

  auto operator co_await() && noexcept { return awaiter(std::move(link_)); }

 private:
  friend promise_type;

  class awaiter {
   public:
    explicit awaiter(coro_detail::child_link&& link) noexcept : link_(std::move(link)) { assert(link_.valid()); }
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;

    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    coro_detail::transferred await_suspend(std::coroutine_handle<Promise> parent) noexcept {
      return coro_detail::transfer(link_.begin(parent));
    }
    result<T> await_resume() noexcept {
      link_.end();
      return static_cast<promise_type*>(link_.promise())->take();
    }

   private:
    coro_detail::child_link link_;
  };

  explicit coro_task(promise_type& promise) noexcept
      : link_(std::coroutine_handle<promise_type>::from_promise(promise), promise) {}

  coro_detail::child_link link_;
};

namespace coro_detail {
template <typename T>
coro_task<T> task_promise<T>::get_return_object() noexcept {
  return coro_task<T>(*this);
}
}  // namespace coro_detail

}  // namespace fasterapi::core
