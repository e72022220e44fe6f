#pragma once

#include <optional>
#include <utility>

#include "fasterapi/core/future.h"
#include "fasterapi/core/upstream_place.h"

namespace fasterapi::core {

namespace future_detail {

// The state of the future that then() returns, which is the continuation of the one before as well: one allocation.
//
// References: one is the future's, one is that of whoever is to call run(), or holds the task on the executor.
template <typename T, typename F>
class then_state final : public future_state<typename unwrapped<returned<T, F>>::type>, public continuation {
 public:
  using made_type = returned<T, F>;
  using value_type = typename unwrapped<made_type>::type;

  template <typename Callable>
  then_state(executor* where, Callable&& callable) : where_(where), callable_(std::forward<Callable>(callable)) {}

  // Takes over the consumer's reference to the state before.
  void follow(future_state<T>* source) noexcept {
    upstream_.begin(source);
    if (!source->attach(*this)) shared_state::go_on(run(*source));
  }

  shared_state* run(shared_state& source) noexcept override {
    if constexpr (is_future<made_type>) {
      if (inner_) return finish(static_cast<future_state<value_type>&>(source).take());
    }
    auto& before = static_cast<future_state<T>&>(source);
    if (where_ == nullptr || this->cancelled()) return apply(before);
    where_->post(posted(*this, before));
    return nullptr;
  }

 private:
  // The call on its way through an executor. Where it is destroyed instead, the future is broken.
  class posted {
   public:
    posted(then_state& owner, future_state<T>& before) noexcept
        : owner_(&owner), before_(state_ref<future_state<T>>::retained(before)) {}
    posted(posted&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), before_(std::move(other.before_)) {}
    posted& operator=(posted&&) = delete;
    ~posted() {
      if (owner_ == nullptr) return;
      owner_->callable_.reset();
      shared_state::go_on(owner_->finish(plain_error(make_error_code(errc::broken_promise))));
    }
    void operator()() noexcept { shared_state::go_on(std::exchange(owner_, nullptr)->apply(*before_)); }

   private:
    then_state* owner_;
    state_ref<future_state<T>> before_;
  };

  shared_state* cancel_requested() noexcept override { return upstream_.take(); }

  shared_state* apply(future_state<T>& before) noexcept {
    if (this->cancelled()) return drop();
    result<T> made = before.take();
    upstream_.reset();
    if constexpr (!takes_result<T, F>) {
      if (!made.ok()) {
        callable_.reset();
        return finish(made.take_failure());
      }
    }
    if constexpr (std::is_void_v<made_type>) {
      call<T, F>(*callable_, std::move(made));
      callable_.reset();
      return finish(nothing{});
    } else {
      made_type returned = call<T, F>(*callable_, std::move(made));
      callable_.reset();
      if constexpr (is_future<made_type>) {
        return follow_inner(std::move(returned));
      } else {
        return finish(std::move(returned));
      }
    }
  }

  // The callable returned a future: its result becomes this one's.
  shared_state* follow_inner(future<value_type> returned) noexcept {
    if (!returned.valid()) return finish(plain_error(make_error_code(errc::broken_promise)));
    inner_ = true;
    const auto source = state_ref<future_state<value_type>>(returned.give_up());
    source->retain();
    upstream_.store(source.get());
    if (this->cancelled()) {
      if (const state_ref<shared_state> unwanted(upstream_.take()); unwanted) unwanted->cancel();
    }
    return source->attach(*this) ? nullptr : run(*source);
  }

  shared_state* finish(result<value_type> made) noexcept { return this->complete_in_chain(std::move(made)); }
  shared_state* drop() noexcept {
    callable_.reset();
    this->release();
    return nullptr;
  }

  executor* const where_;
  std::optional<F> callable_;  // until it was called
  upstream_place<shared_state> upstream_;
  bool inner_ = false;  // it was called, and returned a future: run() comes from that one
};

}  // namespace future_detail

}  // namespace fasterapi::core
