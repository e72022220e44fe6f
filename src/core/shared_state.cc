#include "fasterapi/core/shared_state.h"

#include <thread>
#include <utility>

#include "core/clock.h"

namespace fasterapi::core {

namespace {

// How long a thread looks for the result before it goes to sleep: about what falling asleep and being woken costs.
constexpr int64_t spin_ns = 5'000;
constexpr int looks_per_clock_reading = 16;

// With one CPU, whoever is to bring the result can only run when this thread sleeps.
bool spinning_helps() noexcept {
  static const bool several = std::thread::hardware_concurrency() > 1;
  return several;
}

}  // namespace

shared_state::~shared_state() = default;

bool shared_state::wait_until(int64_t until_ns) noexcept {
  if (ready()) return true;
  if (spinning_helps()) {
    const int64_t start = monotonic_ns();
    int64_t now = start;
    while (now - start < spin_ns && now < until_ns) {
      for (int look = 0; look < looks_per_clock_reading; ++look) {
        std_atomics::pause();
        if (ready()) return true;
      }
      now = monotonic_ns();
    }
  }
  return state_.wait(until_ns);
}

bool shared_state::begin_cancel(completion<>::outcome& ended) noexcept {
  ended = state_.try_cancel();
  return ended.effective;
}

bool shared_state::cancel() noexcept {
  completion<>::outcome ended;
  if (!begin_cancel(ended)) return false;
  // From here upwards, one after the other: chains need no stack.
  shared_state* at = this;
  retain();
  while (at != nullptr) {
    if (ended.hooked) {
      task hook = std::move(at->hook_);
      hook();
    }
    shared_state* above = at->cancel_requested();
    if (ended.attached) at->run_continuations();
    at->release();
    if (above != nullptr && !above->begin_cancel(ended)) std::exchange(above, nullptr)->release();
    at = above;
  }
  return true;
}

void shared_state::run_continuations() noexcept {
  shared_state* ended = continuation_->run(*this);
  while (ended != nullptr) {
    shared_state* next = ended->continuation_->run(*ended);
    ended->release();
    ended = next;
  }
}

void shared_state::on_cancel(task hook) noexcept {
  hook_ = std::move(hook);
  if (state_.hook()) return;
  task now = std::move(hook_);
  now();
}

bool shared_state::publish() noexcept {
  const auto ended = state_.publish();
  if (!ended.effective) return false;
  if (ended.hooked) hook_.reset();
  if (ended.attached) run_continuations();
  return true;
}

shared_state* shared_state::publish_in_chain() noexcept {
  const auto ended = state_.publish();
  if (ended.effective && ended.hooked) hook_.reset();
  if (ended.attached) return this;
  release();
  return nullptr;
}

}  // namespace fasterapi::core
