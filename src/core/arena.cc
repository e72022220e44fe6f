#include "core/arena.h"

#include <algorithm>
#include <cstdlib>

namespace fasterapi::core {

arena::~arena() {
  while (last_ != nullptr) {
    block* previous = last_->previous;
    std::free(last_);
    last_ = previous;
  }
}

void arena::reset() noexcept {
  failed_ = false;
  if (last_ == nullptr) return;
  while (last_->previous != nullptr) {
    block* previous = last_->previous;
    used_ -= last_->size;
    std::free(last_);
    last_ = previous;
  }
  next_ = reinterpret_cast<uintptr_t>(last_ + 1);
  end_ = reinterpret_cast<uintptr_t>(last_) + last_->size;
}

void* arena::allocate_block(size_t size, size_t alignment) noexcept {
  const size_t wanted = std::max(block_size, size + alignment + sizeof(block));
  if (size > max_size_ || wanted > max_size_ - used_) {
    failed_ = true;
    return nullptr;
  }
  auto* fresh = static_cast<block*>(std::malloc(wanted));
  if (fresh == nullptr) {
    failed_ = true;
    return nullptr;
  }
  fresh->previous = last_;
  fresh->size = wanted;
  last_ = fresh;
  used_ += wanted;
  next_ = reinterpret_cast<uintptr_t>(fresh + 1);
  end_ = reinterpret_cast<uintptr_t>(fresh) + wanted;
  const uintptr_t at = (next_ + alignment - 1) & ~(uintptr_t{alignment} - 1);
  next_ = at + size;
  return reinterpret_cast<void*>(at);
}

}  // namespace fasterapi::core
