#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace fasterapi::shared {

// A process that uses a region, never the same number for two; 0 is none.
using process_id = uint64_t;

inline constexpr size_t max_processes = 256;  // that use a region at a time

// Who uses the region, and who of them still lives. Lives in shared memory.
//
// A living process holds a lock of the kernel on one byte of the region's file, which ends with it however it dies.
// (A lock in memory would need a thread that lives as long as the process.)
class process_table {
 public:
  // Enters the calling process, through its descriptor of the region's file; 0 where the table is full. Once per
  // process: the descriptor must stay open, and no other of the same file may be closed.
  process_id enter(int descriptor) noexcept;
  // Whether a process other than the calling one lives.
  bool is_alive(int descriptor, process_id other) const noexcept;

  static size_t slot_of(process_id id) noexcept { return id % max_processes; }

 private:
  std::array<std::atomic<uint64_t>, max_processes> generations_ = {};
};

}  // namespace fasterapi::shared
