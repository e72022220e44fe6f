#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "fasterapi/core/result.h"
#include "net/descriptor.h"
#include "net/doorbell.h"

namespace fasterapi::net {

// An epoll instance with a wake-up from other threads (epoll(7)).
//
// All members belong to the thread that drives it, except wake(), which any thread may call.
class poller {
 public:
  static constexpr int max_events = 256;
  static constexpr uint64_t wake_tag = ~uint64_t{0};

  static core::result<poller> create();

  // `events` is EPOLLIN, EPOLLET…; `tag` comes back with each event. False with errno set when the kernel refuses.
  bool add(int fd, uint32_t events, uint64_t tag) noexcept;
  bool modify(int fd, uint32_t events, uint64_t tag) noexcept;
  bool remove(int fd) noexcept;

  // Events that are ready, waiting up to `timeout_ms` for the first (0: not at all, -1: without end). The span is
  // valid until the next wait. A wake-up is taken here and comes as an event with `wake_tag`.
  std::span<epoll_event> wait(int timeout_ms) noexcept;

  // Readable while there are events: for another poller, which may wait for this one among others.
  int fd() const noexcept { return epoll_.get(); }

  // Makes a wait in progress, or else the next one, return. Any thread.
  void wake() const noexcept { wake_.ring(); }

 private:
  descriptor epoll_;
  doorbell wake_;
  std::array<epoll_event, max_events> events_;
};

}  // namespace fasterapi::net
