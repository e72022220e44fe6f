#pragma once

#include <cstddef>

namespace fasterapi::core {

// Zero-filled memory of a fixed place. Of a large block the kernel provides a page when it is first written, so a queue
// of many cells costs what it has held at most, not what it could hold.
//
// A resource: stays put. No memory stops the program, as with `new` in a program without exceptions.
class zeroed_block {
 public:
  // `alignment` is a power of two, at most one page.
  zeroed_block(size_t bytes, size_t alignment) noexcept;
  ~zeroed_block();
  zeroed_block(const zeroed_block&) = delete;
  zeroed_block& operator=(const zeroed_block&) = delete;

  static constexpr size_t alignment_max = 4096;

  void* data() const noexcept { return data_; }
  // Asks for pages of a NUMA node when they are first used. Small blocks, and kernels without nodes, leave it as it is.
  void prefer_node(int node) const noexcept;

 private:
  const size_t bytes_;
  const size_t alignment_;
  void* const data_;
};

}  // namespace fasterapi::core
