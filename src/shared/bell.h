#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fasterapi/core/result.h"
#include "shared/process_table.h"

namespace fasterapi::shared {

class region;

inline constexpr size_t max_bells = 512;  // event loops that wait, of all processes of a region

// Which bells there are. Lives in shared memory.
//
// A bell is a datagram socket with an abstract name, which an event loop watches: anybody who maps the region can ring
// it, in whatever process, and needs no thread for it. A bell whose process has died is taken by the next who wants
// one.
struct bell_table {
  struct entry {
    std::atomic<process_id> owner = 0;  // 0: free
    std::atomic<uint64_t> generation = 0;
    std::atomic<uint32_t> overflowed = 0;  // 1: rung more often than its socket could note
  };
  std::array<entry, max_bells> entries = {};
};

// The end of a bell that is listened to. Owner: one event loop; readable once it was rung.
class bell {
 public:
  static core::result<bell> create(const region& in);
  bell(bell&& other) noexcept;
  bell& operator=(bell&&) = delete;
  ~bell();

  int descriptor() const noexcept { return descriptor_; }
  size_t index() const noexcept { return index_; }
  // Calls use(where) for each ring() since the last call, or use(anywhere) where there were too many to tell.
  template <typename Use>
  void answer(Use use) const noexcept {
    for (uint64_t where = 0; next(where);) use(where);
    if (take_overflow()) use(anywhere);
  }
  static constexpr uint64_t anywhere = 0;

 private:
  bell(const region& in, size_t index, int descriptor) noexcept
      : region_(&in), index_(index), descriptor_(descriptor) {}

  bool next(uint64_t& where) const noexcept;
  bool take_overflow() const noexcept;

  const region* region_;
  size_t index_;
  int descriptor_;
};

// Rings a bell, if anybody listens, and tells which object of the region it is about. Never waits.
void ring(const region& in, size_t index, uint64_t where) noexcept;

}  // namespace fasterapi::shared
