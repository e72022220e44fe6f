#pragma once

#include <cassert>
#include <optional>
#include <utility>

#include "fasterapi/core/result.h"
#include "fasterapi/core/shared_state.h"

namespace fasterapi::core {

// Where the result of a promise<T> lies until its future takes it. An executor derives its own object of a task from it
// (or from shared_state and this, with destroy() overridden), so that task, promise and future are one allocation; it
// then either adopts the state into a promise<T>, or completes it directly.
template <typename T>
class future_state : public shared_state {
 public:
  future_state() noexcept = default;

  // The one producer: brings the result and runs the continuations. False: it was cancelled, the result is destroyed.
  bool complete(result<T> made) noexcept {
    if (cancelled()) return false;
    result_.emplace(std::move(made));
    if (publish()) return true;
    result_.reset();
    return false;
  }
  // For several producers: the first one's result counts. False: another was first, or it was cancelled.
  bool complete_first(result<T> made) noexcept { return claim() && complete(std::move(made)); }

  // The consumer, once it is ready: takes the result out.
  result<T> take() noexcept {
    assert(ready());
    if (cancelled()) return plain_error(make_error_code(errc::cancelled));
    return std::move(*result_);
  }

 protected:
  ~future_state() override = default;

  // complete(), in continuation::run(): see shared_state::publish_in_chain().
  shared_state* complete_in_chain(result<T> made) noexcept {
    result_.emplace(std::move(made));
    return publish_in_chain();
  }

 private:
  std::optional<result<T>> result_;  // written by the producer before it publishes
};

// A reference to a state: what promises and futures hold.
template <typename State>
class state_ref {
 public:
  state_ref() noexcept = default;
  // Takes over a reference that the caller has.
  explicit state_ref(State* adopted) noexcept : state_(adopted) {}
  state_ref(state_ref&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  state_ref& operator=(state_ref&& other) noexcept {
    if (this != &other) {
      reset();
      state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
  }
  state_ref(const state_ref&) = delete;
  state_ref& operator=(const state_ref&) = delete;
  ~state_ref() { reset(); }

  // With a reference of its own.
  static state_ref retained(State& state) noexcept {
    state.retain();
    return state_ref(&state);
  }

  State* get() const noexcept { return state_; }
  State* operator->() const noexcept { return state_; }
  State& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  // Gives the reference to the caller.
  [[nodiscard]] State* give_up() noexcept { return std::exchange(state_, nullptr); }
  void reset() noexcept {
    if (State* held = std::exchange(state_, nullptr)) held->release();
  }

 private:
  State* state_ = nullptr;
};

}  // namespace fasterapi::core
