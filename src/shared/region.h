#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fasterapi/core/result.h"
#include "shared/bell.h"
#include "shared/domain.h"
#include "shared/pages.h"
#include "shared/process_table.h"

namespace fasterapi::shared {

// The bound `shared_memory_max_bytes`, where nobody sets another. Only what is used takes memory.
inline constexpr size_t default_max_bytes = size_t{256} << 20;
inline constexpr size_t smallest_max_bytes = size_t{1} << 20;

inline constexpr size_t directory_buckets = 1024;

// What lies at the beginning of a region.
struct region_header {
  uint64_t magic;
  uint64_t max_bytes;
  std::array<uint64_t, 2> id;  // random: which region this is
  std::array<uint64_t, 2> hash_key;
  page_table pages;
  process_table processes;
  bell_table bells;
  domain directory;  // guards the chains below, and owns the objects in them
  std::array<uint64_t, directory_buckets> chains;
};

// Memory that several processes map, each at an address of its own: what lies in it refers to each other by offset.
//
// A region is a memory file: it ends with the last process that maps it or holds its descriptor, however they die.
// Stays mapped until this object goes; any thread may use it. A child made by fork() keeps it.
class region {
 public:
  // Makes one that can hold `max_bytes`.
  static core::result<region> create(size_t max_bytes);
  // Maps the region of an inherited descriptor, which it owns from then on.
  static core::result<region> attach(int descriptor);

  region(region&& other) noexcept;
  region& operator=(region&&) = delete;
  ~region();

  std::byte* base() const noexcept { return base_; }
  region_header& header() const noexcept { return *reinterpret_cast<region_header*>(base_); }
  // The calling process; 0 where max_processes use the region already.
  process_id self() const noexcept;
  bool is_alive(process_id process) const noexcept;
  // For handing the region to a child process.
  int descriptor() const noexcept { return descriptor_; }

  // The object at an offset, which must not be 0.
  template <typename T>
  T& at(uint64_t offset) const noexcept {
    return *reinterpret_cast<T*>(base_ + offset);
  }
  uint64_t offset_of(const void* object) const noexcept {
    return static_cast<uint64_t>(static_cast<const std::byte*>(object) - base_);
  }

 private:
  region(std::byte* base, size_t size, int descriptor) noexcept : base_(base), size_(size), descriptor_(descriptor) {}

  std::byte* base_;
  size_t size_;
  int descriptor_;
  mutable std::atomic<uint64_t> self_since_ =
      0;  // after how many forks self_ was asked for: each makes another process
  mutable std::atomic<process_id> self_ = 0;
};

}  // namespace fasterapi::shared
