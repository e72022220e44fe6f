#include "bindings/guest_inbox.h"

#include <functional>
#include <utility>

#include "bindings/loop.h"
#include "bindings/pool_call.h"
#include "bindings/request_task.h"

namespace fasterapi::bindings {

void guest_inbox::add(std::vector<pool_call*>& to, pool_call& guest) {
  guest.retain();
  to.push_back(&guest);
  empty_.store(false, std::memory_order_release);
  loop_->core->shard->wake();
}

bool guest_inbox::begin(pool_call& guest) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr || dismissed_) return false;
  add(begun_, guest);
  return true;
}

void guest_inbox::cancel(pool_call& guest, bool at_once) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return;
  add(cancelled_, guest);
  if (!at_once) return;
  // A call that is not running at this moment is cancelled where it waits.
  if (const auto section = section_of(guest)) static_cast<void>(loop_->core->deadlines->request(*section));
}

bool guest_inbox::give_up_loop_of(const pool_call& guest) {
  std::function<bool()> give_up;
  {
    const std::lock_guard lock(mutex_);
    if (loop_ == nullptr) return true;
    const auto section = section_of(guest);
    if (!section) return true;
    // There may have been no thread for it at the deadline.
    static_cast<void>(loop_->core->deadlines->request(*section));
    give_up = loop_->core->spoiled;
  }
  return !give_up || give_up();
}

// The section in which the loop runs that call at this moment.
std::optional<uint64_t> guest_inbox::section_of(const pool_call& guest) const {
  const server::lease& hold = *loop_->core->hold;
  uint64_t section;
  const server::call* running;
  do {
    section = hold.section();
    running = hold.running();
  } while (hold.section() != section);
  if (!server::lending<>::is_away(section) || running != &guest.guest()) return std::nullopt;
  return section;
}

void guest_inbox::deliver() {
  std::vector<pool_call*> begun, cancelled;
  {
    const std::lock_guard lock(mutex_);
    begun = std::exchange(begun_, {});
    cancelled = std::exchange(cancelled_, {});
    empty_.store(true, std::memory_order_release);
  }
  for (pool_call* each : begun) {
    each->start_coroutine();
    each->release();
  }
  for (pool_call* each : cancelled) {
    if (each->task != nullptr) cancel_request(each->task);
    each->release();
  }
}

void guest_inbox::entered(pool_call& guest) {
  guest.guest_index_ = live_.size();
  live_.push_back(&guest);
}

void guest_inbox::left(pool_call& guest) noexcept {
  const size_t index = guest.guest_index_;
  live_[index] = live_.back();
  live_[index]->guest_index_ = index;
  live_.pop_back();
  guest.guest_index_ = pool_call::no_guest;
}

void guest_inbox::dismiss() {
  const std::lock_guard lock(mutex_);
  dismissed_ = true;
}

size_t guest_inbox::cancel_all() {
  // Some end at once, and others with them.
  const std::vector<pool_call*> present = live_;
  for (pool_call* each : present) each->retain();
  for (pool_call* each : present) {
    if (each->guest_index_ != pool_call::no_guest) each->end_with_loop();
    each->release();
  }
  return present.size();
}

size_t guest_inbox::drop_all() {
  size_t dropped = 0;
  for (; !live_.empty(); ++dropped) live_.back()->drop_task();
  return dropped;
}

void guest_inbox::close() {
  {
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
  }
  drop_all();
  for (pool_call* each : std::exchange(begun_, {})) {
    each->drop_coroutine();
    each->deliver_error("the handler's interpreter has ended");
    each->release();
  }
  for (pool_call* each : std::exchange(cancelled_, {})) each->release();
}

}  // namespace fasterapi::bindings
