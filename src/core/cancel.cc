#include "fasterapi/core/cancel.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace fasterapi::core {

namespace cancel_detail {

// What sources, tokens and callbacks share: whether it was cancelled, and who is to be told, in a list.
class cancel_state {
 public:
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

  bool cancel() noexcept {
    std::unique_lock held(mutex_);
    if (cancelled_) return false;
    cancelled_.store(true, std::memory_order_release);
    canceller_ = std::this_thread::get_id();
    while (cancel_callback* next = first_) {
      remove(*next);
      called_ = next;
      // The callback's object may be gone before its call returns.
      task call = std::move(next->call_);
      held.unlock();
      call();
      call.reset();
      held.lock();
      called_ = nullptr;
      call_over_.notify_all();
    }
    return true;
  }

  // False: it was cancelled before, and is the caller's to tell.
  bool add(cancel_callback& callback) noexcept {
    const std::lock_guard held(mutex_);
    if (cancelled_) return false;
    callback.before_ = last_;
    (last_ != nullptr ? last_->after_ : first_) = &callback;
    last_ = &callback;
    callback.registered_ = true;
    return true;
  }

  void take_out(cancel_callback& callback) noexcept {
    std::unique_lock held(mutex_);
    if (callback.registered_) {
      remove(callback);
    } else if (canceller_ != std::this_thread::get_id()) {
      call_over_.wait(held, [&] { return called_ != &callback; });
    }
  }

 private:
  void remove(cancel_callback& callback) noexcept {
    (callback.before_ != nullptr ? callback.before_->after_ : first_) = callback.after_;
    (callback.after_ != nullptr ? callback.after_->before_ : last_) = callback.before_;
    callback.registered_ = false;
  }

  std::mutex mutex_;
  std::condition_variable call_over_;
  std::atomic<bool> cancelled_ = false;  // written under mutex_
  // Guarded by mutex_.
  cancel_callback* first_ = nullptr;
  cancel_callback* last_ = nullptr;
  cancel_callback* called_ = nullptr;  // only an address: what it points to may be gone
  std::thread::id canceller_;
};

}  // namespace cancel_detail

bool cancel_token::cancelled() const noexcept { return state_ != nullptr && state_->cancelled(); }

cancel_source::cancel_source() : state_(std::make_shared<cancel_detail::cancel_state>()) {}

bool cancel_source::cancel() noexcept {
  const auto kept = state_;  // a callback may destroy this object
  return kept->cancel();
}

bool cancel_source::cancelled() const noexcept { return state_->cancelled(); }

cancel_callback::cancel_callback(const cancel_token& token, task call) {
  if (token.state_ == nullptr) return;
  state_ = token.state_;
  call_ = std::move(call);
  if (state_->add(*this)) return;
  state_ = nullptr;
  call_();
}

cancel_callback::~cancel_callback() {
  if (state_ != nullptr) state_->take_out(*this);
}

}  // namespace fasterapi::core
