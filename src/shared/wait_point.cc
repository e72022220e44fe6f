#include "shared/wait_point.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <climits>
#include <ctime>

namespace fasterapi::shared {

namespace {
constexpr int64_t ns_per_second = 1'000'000'000;
}

// Unlike core::futex_wait, the sleepers may be in other processes.
void wait_point::sleep(uint32_t round, int64_t deadline_ns) noexcept {
  const timespec deadline{.tv_sec = deadline_ns / ns_per_second, .tv_nsec = deadline_ns % ns_per_second};
  syscall(SYS_futex, &rounds_, FUTEX_WAIT_BITSET, round, &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void wait_point::notify(const region& in) noexcept {
  rounds_.fetch_add(1);
  if (sleepers_.load() != 0 && sleepers_.exchange(0) != 0) wake_threads();
  for (size_t word = 0; word < bells_.size(); ++word) {
    if (bells_[word].load() == 0) continue;
    for (uint64_t hung = bells_[word].exchange(0); hung != 0; hung &= hung - 1) {
      ring(in, word * 64 + static_cast<size_t>(std::countr_zero(hung)), in.offset_of(this));
    }
  }
}

void wait_point::wake_threads() noexcept { syscall(SYS_futex, &rounds_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace fasterapi::shared
