#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "core/intrusive_list.h"

namespace fasterapi::core {

struct timer_tag {};

// What an object needs to wait in a timer_wheel: one deadline, that may be moved at no cost while it moves away.
struct wheel_timer : list_link<timer_tag> {
  int64_t deadline_ms = 0;  // the time it is due; belongs to the owner, set through timer_wheel::arm
  int64_t filed_ms = 0;     // when the wheel looks at it next; the wheel's own
};

// Deadlines of many objects, in ticks of `TickMs`, cheap to move: a deadline that is put off is only written down, and
// the object is filed anew when its old place comes round. (Varghese & Lauck 1987, scheme 6, with lazy refiling.)
//
// Owner: one thread. T derives from wheel_timer. Objects must be disarmed before they are destroyed.
template <typename T, int64_t TickMs = 128>
class timer_wheel {
 public:
  static constexpr int64_t tick_ms = TickMs;
  static constexpr int64_t slot_count = 512;
  static_assert(slot_count % 64 == 0);

  explicit timer_wheel(int64_t now_ms) noexcept : tick_(now_ms / tick_ms) {}

  // Due at `deadline_ms` or up to a tick later.
  void arm(T& object, int64_t deadline_ms) noexcept {
    object.deadline_ms = deadline_ms;
    wheel_timer& entry = object;
    if (entry.linked() && entry.filed_ms <= deadline_ms) [[likely]]
      return;
    file(object);
  }
  void disarm(T& object) noexcept {
    wheel_timer& entry = object;
    if (!entry.linked()) return;
    entry.unlink();
    --armed_;
  }

  // Calls expired(object) for each object that is due, disarmed; the callback may arm it again.
  template <typename Expired>
  void advance(int64_t now_ms, Expired&& expired) noexcept {
    const int64_t last = now_ms / tick_ms;
    // A wheel that was not turned for a whole round looks at every slot once.
    tick_ = std::max(tick_, last - slot_count);
    while (tick_ < last) {
      const size_t at = slot_of(tick_++);
      auto& slot = slots_[at];
      unmark(at);
      intrusive_list<T, timer_tag> due;
      while (T* object = slot.pop_front()) due.push_back(*object);
      while (T* object = due.pop_front()) {
        --armed_;
        if (object->deadline_ms <= now_ms) {
          expired(*object);
        } else {
          file(*object);
        }
      }
    }
  }

  // How long advance() has nothing to do, at most `limit_ms`; `limit_ms` when nothing is armed.
  int64_t quiet_ms(int64_t now_ms, int64_t limit_ms) noexcept {
    if (armed_ == 0) return limit_ms;
    for (int64_t ahead = marked_from(0); ahead < slot_count; ahead = marked_from(ahead + 1)) {
      const int64_t quiet = (tick_ + ahead + 1) * tick_ms - now_ms;
      if (quiet >= limit_ms) return limit_ms;
      const size_t at = slot_of(tick_ + ahead);
      if (!slots_[at].empty()) return std::max<int64_t>(quiet, 0);
      unmark(at);
    }
    return limit_ms;
  }

 private:
  static size_t slot_of(int64_t tick) noexcept { return static_cast<size_t>(tick % slot_count); }
  void unmark(size_t slot) noexcept { marks_[slot / 64] &= ~(uint64_t{1} << slot % 64); }

  // How far ahead of tick_ the first marked slot is, from `ahead` on; slot_count or more: there is none.
  int64_t marked_from(int64_t ahead) const noexcept {
    while (ahead < slot_count) {
      const size_t at = slot_of(tick_ + ahead);
      const uint64_t rest = marks_[at / 64] >> at % 64;
      if (rest != 0) return ahead + std::countr_zero(rest);
      ahead += 64 - static_cast<int64_t>(at % 64);
    }
    return slot_count;
  }

  void file(T& object) noexcept {
    wheel_timer& entry = object;
    if (!entry.linked()) ++armed_;
    const int64_t wanted = entry.deadline_ms / tick_ms;
    const int64_t tick = std::clamp(wanted, tick_, tick_ + slot_count - 1);
    entry.filed_ms = tick * tick_ms;
    const size_t at = slot_of(tick);
    slots_[at].push_back(object);
    marks_[at / 64] |= uint64_t{1} << at % 64;
  }

  std::array<intrusive_list<T, timer_tag>, slot_count> slots_;
  std::array<uint64_t, slot_count / 64> marks_{};  // of slots that something was filed in; it may have left since
  int64_t tick_;
  int64_t armed_ = 0;
};

}  // namespace fasterapi::core
