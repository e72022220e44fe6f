#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "fasterapi/core/future.h"
#include "fasterapi/core/timer.h"
#include "fasterapi/core/upstream_place.h"

namespace fasterapi::core {

// Which of several futures came first, and with what.
template <typename T>
struct first_result {
  size_t index;  // in the order in which they were given
  result<T> made;
};

// What when_any does with those that were not first.
enum class losers : uint8_t {
  keep,   // they go on, and nobody sees their results
  cancel  // they are cancelled before the first is handed out
};

namespace combinator_detail {

// One of the futures that a state waits for, and what came of it. Owner: `arrived(slot)` is called, once, by the thread
// that brings the result, and gives what continuation::run() does.
template <typename T, typename Owner>
class slot final : public continuation {
 public:
  // Before anything is attached. Takes the future's reference.
  void hold(Owner& owner, future<T> source) noexcept {
    owner_ = &owner;
    source_ = source.give_up();
    upstream_.begin(source_);
    source_->retain();
  }
  // The owner must not be touched after the last of its slots was attached: it may be gone.
  void attach() noexcept {
    const state_ref<future_state<T>> source(source_);
    if (!source->attach(*this)) shared_state::go_on(run(*source));
  }
  shared_state* run(shared_state& source) noexcept override {
    made_.emplace(static_cast<future_state<T>&>(source).take());
    upstream_.reset();
    return owner_->arrived(*this);
  }
  void cancel() noexcept {
    if (const state_ref<shared_state> source(upstream_.take()); source) source->cancel();
  }
  result<T> take() noexcept { return std::move(*made_); }

 private:
  Owner* owner_ = nullptr;
  future_state<T>* source_ = nullptr;  // until attach(), with a reference
  upstream_place<shared_state> upstream_;
  std::optional<result<T>> made_;
};

// References of the states below: one is their future's; the slots have one in common where the last result completes
// the state, and one each where any may.

template <typename T>
class all_of_many final : public future_state<std::vector<result<T>>> {
 public:
  explicit all_of_many(size_t count) : count_(count), missing_(count), slots_(new slot<T, all_of_many>[count]) {}

  void start(std::vector<future<T>> sources) noexcept {
    for (size_t i = 0; i < sources.size(); ++i) slots_[i].hold(*this, std::move(sources[i]));
    auto* slots = slots_.get();
    for (size_t i = 0; i < sources.size(); ++i) slots[i].attach();
  }
  shared_state* arrived(slot<T, all_of_many>&) noexcept {
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    std::vector<result<T>> made;
    made.reserve(count_);
    for (size_t i = 0; i < count_; ++i) made.push_back(slots_[i].take());
    return this->complete_in_chain(std::move(made));
  }

 private:
  shared_state* cancel_requested() noexcept override {
    for (size_t i = 0; i < count_; ++i) slots_[i].cancel();
    return nullptr;
  }

  const size_t count_;
  std::atomic<size_t> missing_;
  const std::unique_ptr<slot<T, all_of_many>[]> slots_;
};

template <typename... Ts>
class all_of_these final : public future_state<std::tuple<result<Ts>...>> {
 public:
  void start(future<Ts>... sources) noexcept {
    each([&](auto&... slots) {
      (slots.hold(*this, std::move(sources)), ...);
      (slots.attach(), ...);
    });
  }
  template <typename Slot>
  shared_state* arrived(Slot&) noexcept {
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    return each([this](auto&... slots) { return this->complete_in_chain(std::tuple<result<Ts>...>(slots.take()...)); });
  }

 private:
  template <typename F>
  decltype(auto) each(F&& call) noexcept {
    return std::apply(std::forward<F>(call), slots_);
  }
  shared_state* cancel_requested() noexcept override {
    each([](auto&... slots) { (slots.cancel(), ...); });
    return nullptr;
  }

  std::atomic<size_t> missing_ = sizeof...(Ts);
  std::tuple<slot<Ts, all_of_these>...> slots_;
};

template <typename T>
class first_of_many final : public future_state<first_result<T>> {
 public:
  first_of_many(size_t count, losers rest) : count_(count), rest_(rest), slots_(new slot<T, first_of_many>[count]) {}

  void start(std::vector<future<T>> sources) noexcept {
    for (size_t i = 0; i < sources.size(); ++i) {
      this->retain();
      slots_[i].hold(*this, std::move(sources[i]));
    }
    for (size_t i = 0; i < sources.size(); ++i) slots_[i].attach();
    this->release();
  }
  shared_state* arrived(slot<T, first_of_many>& by) noexcept {
    if (!this->claim()) {
      this->release();
      return nullptr;
    }
    if (rest_ == losers::cancel) cancel_all();
    const auto index = static_cast<size_t>(&by - slots_.get());
    return this->complete_in_chain(first_result<T>{index, by.take()});
  }

 private:
  shared_state* cancel_requested() noexcept override {
    cancel_all();
    return nullptr;
  }
  void cancel_all() noexcept {
    for (size_t i = 0; i < count_; ++i) slots_[i].cancel();
  }

  const size_t count_;
  const losers rest_;
  const std::unique_ptr<slot<T, first_of_many>[]> slots_;
};

// The deadline and the source both may complete it; the first does. Each has a reference.
template <typename T>
class limited_state final : public future_state<T> {
 public:
  void start(timer& clock, int64_t deadline_ns, future<T> source) noexcept {
    source_.hold(*this, std::move(source));
    this->retain();
    // Read when the source arrives, which it does not before it is attached.
    alarm_ = clock.schedule(deadline_ns, alarm(*this));
    source_.attach();
  }
  shared_state* arrived(slot<T, limited_state>& source) noexcept {
    alarm_.cancel();
    if (this->claim()) return this->complete_in_chain(source.take());
    this->release();
    return nullptr;
  }

 private:
  // The reference that the timer holds; without the call, it is only given back.
  class alarm {
   public:
    explicit alarm(limited_state& owner) noexcept : owner_(&owner) {}
    void operator()() noexcept { owner_->expire(); }

   private:
    state_ref<limited_state> owner_;
  };
  friend class state_ref<limited_state>;

  void expire() noexcept {
    if (!this->claim()) return;
    this->complete(plain_error(make_error_code(errc::timed_out)));
    source_.cancel();
  }
  shared_state* cancel_requested() noexcept override {
    source_.cancel();
    return nullptr;
  }

  slot<T, limited_state> source_;
  timer_handle alarm_;
};

// The future of a new state, which has a reference left for whoever completes it.
template <typename T>
future<T> future_of(future_state<T>& made) noexcept {
  made.retain();
  return future<T>::adopt(&made);
}

}  // namespace combinator_detail

// All results, in the order of the futures, once the last is there; errors are among them, and stop nothing. Cancelling
// the future that is returned cancels all. Continuations run on the thread that brings the last result.
template <typename T>
future<std::vector<result<T>>> when_all(std::vector<future<T>> sources) {
  if (sources.empty()) return make_ready_future(std::vector<result<T>>());
  auto* state = new combinator_detail::all_of_many<T>(sources.size());
  auto made = combinator_detail::future_of(*state);
  state->start(std::move(sources));
  return made;
}
template <typename... Ts>
requires(sizeof...(Ts) > 0) future<std::tuple<result<Ts>...>> when_all(future<Ts>... sources) {
  auto* state = new combinator_detail::all_of_these<Ts...>();
  auto made = combinator_detail::future_of(*state);
  state->start(std::move(sources)...);
  return made;
}

// The first result, be it an error, and which it is. Cancelling the future that is returned cancels all. With no
// futures, there is none: errc::invalid_argument.
template <typename T>
future<first_result<T>> when_any(std::vector<future<T>> sources, losers rest = losers::keep) {
  if (sources.empty()) return make_failed_future<first_result<T>>(plain_error(make_error_code(errc::invalid_argument)));
  auto* state = new combinator_detail::first_of_many<T>(sources.size(), rest);
  auto made = combinator_detail::future_of(*state);
  state->start(std::move(sources));
  return made;
}

// What `source` brings, or errc::timed_out once `duration_ns` have passed without it; then `source` is cancelled, and
// continuations run on the timer's thread. Cancelling the future that is returned cancels `source`.
// Where the timer ends before, there is no deadline.
template <typename T>
future<T> with_timeout(timer& clock, future<T> source, int64_t duration_ns) {
  auto* state = new combinator_detail::limited_state<T>();
  auto made = combinator_detail::future_of(*state);
  state->start(clock, deadline_after(duration_ns), std::move(source));
  return made;
}

}  // namespace fasterapi::core
