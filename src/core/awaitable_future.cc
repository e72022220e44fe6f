#include "fasterapi/core/awaitable_future.h"

namespace fasterapi::core::coro_detail {

// The continuation's reference on its way through the executor.
class resumption::posted {
 public:
  explicit posted(resumption& to) noexcept : to_(&to) {}
  posted(posted&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
  posted& operator=(posted&&) = delete;
  ~posted() {
    if (to_ != nullptr) to_->resume(true);
  }
  void operator()() noexcept { std::exchange(to_, nullptr)->resume(false); }

 private:
  resumption* to_;
};

shared_state* resumption::run(shared_state&) noexcept {
  where_.post(posted(*this));
  return nullptr;
}

void resumption::resume(bool dropped) noexcept {
  if (!over_.exchange(true, std::memory_order_acq_rel)) {
    dropped_ = dropped;
    coro_detail::resume(waiting_);
  }
  release();
}

void resumption::leave() noexcept {
  over_.store(true, std::memory_order_release);
  release();
}

void resumption::release() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

}  // namespace fasterapi::core::coro_detail
