#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace fasterapi::shared {

// What the holder of a lock has changed so far: the old value of each word, so that whoever takes the lock after its
// death can put them back. Lives in shared memory beside the lock that guards it.
//
// A death is not a power cut: every store that came before it in the program reaches the memory. So the order of the
// program is all that matters here, and a fence for the compiler is enough.
class journal {
 public:
  static constexpr size_t max_changes = 64;  // words changed between two commits

  // Notes the word, then changes it. `base` is where this process maps the region.
  void set(std::byte* base, uint64_t& word, uint64_t value) noexcept {
    const uint64_t at = count_;
    if (at == max_changes) std::abort();  // no operation changes so many words
    changes_[at] = {static_cast<uint64_t>(reinterpret_cast<std::byte*>(&word) - base), word};
    std::atomic_signal_fence(std::memory_order_seq_cst);
    count_ = at + 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    word = value;
  }

  // The changes stay: a single store decides it.
  void commit() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    count_ = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  // Puts the old values back. May itself be cut short by a death, and be called again.
  void roll_back(std::byte* base) noexcept {
    for (uint64_t left = count_; left > 0; --left) {
      const change& last = changes_[left - 1];
      *reinterpret_cast<uint64_t*>(base + last.offset) = last.old_value;
    }
    commit();
  }

 private:
  struct change {
    uint64_t offset;
    uint64_t old_value;
  };

  uint64_t count_ = 0;
  std::array<change, max_changes> changes_;
};

}  // namespace fasterapi::shared
