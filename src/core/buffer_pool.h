#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/byte_buffer.h"

namespace fasterapi::core {

// Memory of byte_buffers between two uses, so that a busy owner of short-lived buffers does not call malloc.
//
// Owner: one thread. Keeps a bounded number of buffers of bounded size; what is beyond is freed.
class buffer_pool {
 public:
  static constexpr size_t kept_buffers = 256;
  static constexpr size_t kept_capacity = 32768;

  buffer_pool() { spare_.reserve(kept_buffers); }

  // Gives `to` memory from the pool if it has none.
  void lend(byte_buffer& to) noexcept {
    if (to.capacity() > 0 || spare_.empty()) return;
    to = std::move(spare_.back());
    spare_.pop_back();
  }
  // Empties `from` and takes its memory.
  void take_back(byte_buffer& from) noexcept {
    from.clear();
    if (from.capacity() == 0) return;
    if (from.capacity() > kept_capacity || spare_.size() == kept_buffers) return from.shrink(0);
    spare_.push_back(std::move(from));
  }

  size_t spare() const noexcept { return spare_.size(); }

 private:
  std::vector<byte_buffer> spare_;
};

}  // namespace fasterapi::core
