#pragma once

#include <atomic>
#include <cstdint>

#include "fasterapi/core/atomics.h"

namespace fasterapi::core {

// How far a one-shot result has come: the state of a promise and its future in one word, without a lock.
//
//                        publish()                     try_cancel()
//   pending              → done                        → cancelled
//   done                 –                             stays; false
//   cancelled            stays; false                  stays; false
//
// Bits that only ever are added say what whoever ends `pending` has to do: run the continuation, wake those who wait,
// drop or call the hook. Each step is one read-modify-write of the word, so of two that meet exactly one sees the
// other; whoever comes second does what is to be done. What is written before a step may be read after the step that
// saw it.
//
// publish() is for one producer, or for the one of several for whom claim() was true. attach() and detach() are for the
// one consumer. The rest may be called by any thread.
template <typename Atomics = std_atomics>
class completion {
 public:
  // What there is to do after the end of `pending`, for whoever brought it about.
  struct outcome {
    bool effective = false;  // it was this call that ended it
    bool attached = false;   // run the continuation
    bool hooked = false;     // the hook is this caller's now
  };

  bool ready() const noexcept { return is_ready(word_.load(std::memory_order_acquire)); }
  bool cancelled() const noexcept { return (word_.load(std::memory_order_seq_cst) & cancelled_bit) != 0; }

  // The result is written: everybody may read it. Wakes those who wait.
  outcome publish() noexcept {
    const uint32_t before = word_.fetch_or(done_bit, std::memory_order_acq_rel);
    return ended(before, !is_ready(before));
  }

  // Ends it without a result, if it has not ended. Wakes those who wait.
  outcome try_cancel() noexcept {
    uint32_t before = word_.load(std::memory_order_relaxed);
    do {
      if (is_ready(before)) return {};
    } while (!word_.compare_exchange_weak(before, before | cancelled_bit, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
    return ended(before, true);
  }

  // Where several threads may bring the result: true for the first of them, who then calls publish().
  bool claim() noexcept { return (word_.fetch_or(claimed_bit, std::memory_order_acq_rel) & claimed_bit) == 0; }

  // The continuation is written. True: it will be run by whoever ends `pending`. False: it has ended, run it yourself.
  bool attach() noexcept { return !is_ready(word_.fetch_or(attached_bit, std::memory_order_acq_rel)); }
  // Takes the continuation away again. False: it has ended, and the continuation was run or is about to be.
  bool detach() noexcept {
    uint32_t before = word_.load(std::memory_order_relaxed);
    do {
      if (is_ready(before)) return false;
    } while (!word_.compare_exchange_weak(before, before & ~attached_bit, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    return true;
  }

  // The hook for cancelling is written, by the producer. True: whoever ends `pending` gets it. False: it was cancelled
  // before, and the hook is still the producer's.
  bool hook() noexcept { return (word_.fetch_or(hooked_bit, std::memory_order_acq_rel) & cancelled_bit) == 0; }

  // Sleeps until the end of `pending`, or until `until_ns` of the monotonic clock; false in the latter case.
  bool wait(int64_t until_ns) noexcept {
    uint32_t seen = word_.load(std::memory_order_acquire);
    while (!is_ready(seen)) {
      if ((seen & waited_bit) == 0) {
        seen = word_.fetch_or(waited_bit, std::memory_order_acq_rel) | waited_bit;
        continue;
      }
      if (!Atomics::wait(word_, seen, until_ns)) return ready();
      seen = word_.load(std::memory_order_acquire);
    }
    return true;
  }

 private:
  static constexpr uint32_t done_bit = 1;
  static constexpr uint32_t cancelled_bit = 2;
  static constexpr uint32_t claimed_bit = 4;
  static constexpr uint32_t attached_bit = 8;
  static constexpr uint32_t hooked_bit = 16;
  static constexpr uint32_t waited_bit = 32;

  static bool is_ready(uint32_t word) noexcept { return (word & (done_bit | cancelled_bit)) != 0; }

  outcome ended(uint32_t before, bool effective) noexcept {
    if (!effective) return {};
    if ((before & waited_bit) != 0) Atomics::wake(word_, UINT32_MAX);
    return {true, (before & attached_bit) != 0, (before & hooked_bit) != 0};
  }

  typename Atomics::template atomic<uint32_t> word_{0};
};

}  // namespace fasterapi::core
