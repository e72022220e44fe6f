#include "core/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace fasterapi::core {

namespace {

// A read-modify-write of a word that all threads share is a full fence, and one that thread sanitizers understand.
std::atomic<uint32_t> meeting_point = 0;

}  // namespace

std::atomic<bool> asymmetric_fence::supported_ = asymmetric_fence::enrol();

bool asymmetric_fence::enrol() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void asymmetric_fence::full() noexcept { meeting_point.fetch_add(0, std::memory_order_seq_cst); }

void asymmetric_fence::heavy() noexcept {
  full();
  if (supported_.load(std::memory_order_relaxed)) ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

}  // namespace fasterapi::core
