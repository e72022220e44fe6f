#pragma once

#include <atomic>

#include "fasterapi/core/atomics.h"

namespace fasterapi::core {

// What is to be cancelled together with a state: a place for one reference to it. It is taken out either by who cancels
// the state, or by who has no use for it any more.
//
// Who stores looks afterwards whether the state was cancelled meanwhile, and who cancels takes afterwards: in the one
// order of these accesses (C++20 [atomics.order] 4), one of them sees the other. Any thread. Atomics: see std_atomics.
template <typename Held, typename Atomics = std_atomics>
class upstream_place {
 public:
  upstream_place() noexcept = default;
  upstream_place(const upstream_place&) = delete;
  upstream_place& operator=(const upstream_place&) = delete;
  ~upstream_place() {
    if (Held* held = held_.load(std::memory_order_acquire)) held->release();
  }

  // Takes over a reference, before anybody else knows the state.
  void begin(Held* held) noexcept { held_.store(held, std::memory_order_relaxed); }
  // Takes over a reference. The place is empty.
  void store(Held* held) noexcept { held_.store(held, std::memory_order_seq_cst); }
  // Gives the reference to the caller; nullptr for all but the first.
  [[nodiscard]] Held* take() noexcept { return held_.exchange(nullptr, std::memory_order_seq_cst); }
  void reset() noexcept {
    if (Held* held = take()) held->release();
  }

 private:
  typename Atomics::template atomic<Held*> held_{nullptr};
};

}  // namespace fasterapi::core
