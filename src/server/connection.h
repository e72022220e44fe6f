#pragma once

#include <cstdint>
#include <string_view>

#include "core/buffer_pool.h"
#include "core/byte_buffer.h"
#include "core/intrusive_list.h"
#include "core/timer_wheel.h"
#include "net/address.h"
#include "server/metrics.h"

namespace fasterapi::server {

struct call;

struct open_tag {};
struct resume_tag {};

// One client's connection: its socket, the bytes received but not yet understood, the bytes not yet sent.
//
// Owner: its shard. An idle connection holds no buffer memory and no call.
struct connection : core::wheel_timer, core::list_link<open_tag>, core::list_link<resume_tag> {
  enum class phase : uint8_t {
    receiving,  // the next request, or the rest of it
    handling,   // a request is with the driver; nothing is read
    closing,    // the last answer is being sent
    lingering,  // the answer is sent, what the peer still sends is thrown away until it closes
  };

  enum class sent : uint8_t { all, some, broken };

  void reset() noexcept;

  // Unread bytes carried over from earlier reads.
  std::string_view pending() const noexcept { return in.view().substr(in_begin); }
  size_t unsent() const noexcept { return out.size() - out_begin; }
  // Keeps bytes that were read and not used. False when there was no memory.
  bool hold_input(std::string_view bytes) noexcept;
  // Room behind the held input to read into, or null; take_input() then says how much was read.
  char* input_room(size_t size) noexcept;
  void take_input(size_t size) noexcept { in.commit(size); }
  // Gives the memory of used-up input back; nothing may refer to it any more.
  void drop_used_input() noexcept {
    if (in_begin < in.size()) return;
    buffers->take_back(in);
    in_begin = 0;
  }
  // Room at the end of what is to be sent, or null.
  char* output_room(size_t size) noexcept;
  bool idle() const noexcept { return at == phase::receiving && active == nullptr && pending().empty(); }

  // Waits for the rest of its shard's turn to be over.
  bool waits_for_turn() const noexcept { return static_cast<const core::list_link<resume_tag>*>(this)->linked(); }

  // Whether the peer has taken anything since this last said so, or since something became unsent.
  bool note_progress() noexcept;

  // Sends `head` then `body`, keeping what the socket does not take in `out`. Nothing may be unsent. Never blocks.
  sent send(std::string_view head, std::string_view body) noexcept;
  // Sends from `out`.
  sent flush() noexcept;
  // Reads up to `size` bytes; 0 at the end of the stream, -1 with errno otherwise. Keeps `readable` up to date.
  ssize_t receive(char* to, size_t size) noexcept;

  connection* pool_next = nullptr;
  core::buffer_pool* buffers = nullptr;  // the shard's; set while the connection is open
  traffic_counts* traffic = nullptr;     // the shard's; set while the connection is open
  int fd = -1;
  phase at = phase::receiving;
  bool readable = false;       // the socket may hold bytes that were not read (edge-triggered)
  bool half_closed = false;    // the peer sent its FIN
  bool close_after = false;    // no further request is read
  bool input_left = false;     // the last answer went out before its request was read to the end
  bool turned_away = false;    // a bound was reached: it is told, and lingers
  bool stalls = false;         // bytes are unsent, and note_progress() watches them
  bool probed = false;         // an interim answer was sent to see whether the peer is still there
  call* active = nullptr;      // being received or handled
  size_t in_begin = 0;         // the bytes of `in` before it are used up
  size_t out_begin = 0;        // the bytes of `out` before it are sent
  uint32_t answered = 0;       // requests
  uint64_t taken = 0;          // bytes of answers that the socket took
  uint64_t delivered = 0;      // of those, what the peer had acknowledged when progress was last noted
  uint64_t discarded = 0;      // bytes thrown away while lingering
  uint64_t body_received = 0;  // bytes of the body that is being received
  int64_t since_ms = 0;        // when what the deadline is about began
  core::byte_buffer in;
  core::byte_buffer out;
  net::address peer;
};

}  // namespace fasterapi::server
