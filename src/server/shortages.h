#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace fasterapi::server {

class access_log;

// What a shard can run out of.
enum class shortage : uint8_t {
  connections,
  connections_of_address,
  in_flight,
  in_flight_total,
  queue,
  descriptors,
  memory,
  threads,
};

// Tells the log that clients are turned away or have to wait, and why: the first time at once, then with their number
// once in limits::notice_pause_ms, so that an overload does not become one of the log, and yet each is told of. Calls
// no malloc.
//
// Owner: one thread.
class shortages {
 public:
  static constexpr size_t kinds = 8;

  // One more was turned away, or held up. `bound` is what was reached, where that is a number.
  void note(shortage what, uint64_t bound, int64_t now_ms, access_log& log) noexcept;
  // Tells of those that nothing has been said of, once it is time. Times are those of note().
  void tell_late(int64_t now_ms, access_log& log) noexcept;
  // The same, at once.
  void tell_rest(access_log& log) noexcept;
  // How long there is nothing to tell, at most `limit_ms`.
  int64_t quiet_ms(int64_t now_ms, int64_t limit_ms) const noexcept;
  // How many there were for it.
  uint64_t count(shortage what) const noexcept { return of(what).count; }

 private:
  struct state {
    uint64_t count = 0;
    uint64_t told = 0;
    uint64_t bound = 0;
    int64_t quiet_until_ms = 0;
  };
  static constexpr int64_t never_ms = std::numeric_limits<int64_t>::max();

  static void tell(shortage what, state& of, access_log& log) noexcept;
  const state& of(shortage what) const noexcept { return states_[static_cast<size_t>(what)]; }

  std::array<state, kinds> states_;
  int64_t tell_at_ms_ = never_ms;  // when there is something to tell
};

}  // namespace fasterapi::server
