#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "core/byte_buffer.h"
#include "shared/domain.h"
#include "shared/region.h"
#include "shared/wait_point.h"

namespace fasterapi::shared {

// How many of the last messages a channel keeps for its subscribers.
struct channel_options {
  uint64_t max_messages;
  uint64_t max_bytes;  // of all that are kept
};

// Messages to everybody who has subscribed. Lives in shared memory, with the places of its messages behind it.
//
// A channel keeps the last messages; each subscriber knows on its own which comes next for it. One that is too slow
// misses the oldest, and sees how many. Any thread of any process may call it; `waiting` is what it gives up while
// somebody else holds the lock.
class channel {
 public:
  enum class outcome {
    done,
    too_large,  // more than max_bytes
    full        // the region: shared_memory_max_bytes
  };
  // Where a subscriber is, and whose it is.
  struct position {
    process_id process;
    uint64_t next;    // guarded by the channel's lock
    uint64_t missed;  // atomic, for those who look while another thread reads
  };

  explicit channel(const channel_options& options) noexcept : options_(options) {}
  static size_t bytes(const channel_options& options) noexcept;

  // Calls every subscriber; `subscribers` becomes how many there are. The oldest messages make room.
  outcome publish(const region& in, std::string_view content, uint64_t& subscribers, patience& waiting) noexcept;

  // From now on, until unsubscribe(): once for each, from the same process. Its death ends it, too.
  position subscribe(const region& in, patience& waiting) noexcept;
  void unsubscribe(const region& in, const position& from) noexcept;
  // Appends the next message to `out` and moves on, unless `out` fails. False where there is none yet.
  bool read(const region& in, position& from, core::byte_buffer& out, patience& waiting) noexcept;
  uint64_t subscribers(const region& in) noexcept;

  const channel_options& options() const noexcept { return options_; }
  domain& guarded() noexcept { return guarded_; }
  wait_point& message_came() noexcept { return message_came_; }

 private:
  struct message {
    uint64_t bytes;  // its content follows
  };

  outcome try_publish(const region& in, std::string_view content, uint64_t& subscribers, patience& waiting) noexcept;
  void drop_oldest(const region& in, domain_holder& held) noexcept;
  uint64_t& place_of(uint64_t number) noexcept;
  void forget_the_dead(const region& in) noexcept;

  const channel_options options_;
  domain guarded_;
  // Guarded by it.
  uint64_t oldest_ = 0;  // number of the oldest message that is kept
  uint64_t next_ = 0;    // number of the next one
  uint64_t bytes_ = 0;

  // How many subscribers each process has, by its slot; with its generation, so that a dead one's do not count for
  // the next in its slot.
  std::array<std::atomic<uint64_t>, max_processes> subscribers_ = {};
  std::atomic<int64_t> looked_for_dead_ns_ = 0;

  wait_point message_came_;
};

}  // namespace fasterapi::shared
