#include "fasterapi/core/zeroed_block.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>

namespace fasterapi::core {

namespace {

// From here on a block is a mapping of its own; below, the rounding up to pages would cost more than it saves.
constexpr size_t mapped_bytes_min = size_t{64} << 10;

void* zeroed(size_t bytes, size_t alignment) noexcept {
  assert(alignment <= zeroed_block::alignment_max);
  if (bytes < mapped_bytes_min) {
    void* data = ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
    if (data == nullptr) std::abort();
    return std::memset(data, 0, bytes);
  }
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) std::abort();
  // One cell in use must not bring in two megabytes. Kernels without huge pages refuse the advice, which is as good.
  madvise(data, bytes, MADV_NOHUGEPAGE);
  return data;
}

}  // namespace

zeroed_block::zeroed_block(size_t bytes, size_t alignment) noexcept
    : bytes_(bytes), alignment_(alignment), data_(zeroed(bytes, alignment)) {}

void zeroed_block::prefer_node(int node) const noexcept {
  constexpr int mode_preferred = 1;  // MPOL_PREFERRED of <numaif.h>, set_mempolicy(2)
  constexpr unsigned long bits = sizeof(unsigned long) * 8;
  if (bytes_ < mapped_bytes_min || node < 0 || static_cast<unsigned long>(node) >= bits) return;
  const unsigned long nodes = 1UL << node;
  syscall(SYS_mbind, data_, bytes_, mode_preferred, &nodes, bits + 1, 0UL);
}

zeroed_block::~zeroed_block() {
  if (bytes_ < mapped_bytes_min) {
    ::operator delete (data_, std::align_val_t{alignment_});
  } else {
    munmap(data_, bytes_);
  }
}

}  // namespace fasterapi::core
