// The part of the shard that takes connections in, and turns away those that are past a bound.

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>

#include "core/clock.h"
#include "net/stream.h"
#include "server/shard.h"

namespace fasterapi::server {

namespace {

constexpr std::string_view busy =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

// What follows from a failed accept.
enum class setback : uint8_t {
  nobody_waits,
  of_one_connection,  // which is gone; the next may be well
  no_descriptor,
  no_resource,  // nothing that one connection more or less would change
};

setback setback_of(int error) noexcept {
  switch (error) {
    case EAGAIN:
      return setback::nobody_waits;
    case EMFILE:
    case ENFILE:
      return setback::no_descriptor;
    // accept(2): what the network did to a connection before it was accepted comes as accept's own error.
    case ECONNABORTED:
    case EINTR:
    case EPROTO:
    case EPERM:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
      return setback::of_one_connection;
    default:
      return setback::no_resource;
  }
}

// Tells a client that it is to come again. It may have sent its request already: closing a socket with unread bytes
// resets the connection, and with it what was said, so they are read first.
void tell_busy_and_close(int fd) noexcept {
  net::send(fd, busy);
  char unwanted[16384];
  net::receive(fd, unwanted, sizeof unwanted);
  ::close(fd);
}

uint64_t descriptors_max() noexcept {
  rlimit bound{};
  return getrlimit(RLIMIT_NOFILE, &bound) == 0 ? bound.rlim_cur : 0;
}

}  // namespace

void shard::open_reserve() noexcept { reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Whether there may be more to accept.
bool shard::accept_connections(int listener) noexcept {
  for (int i = 0; i < limits::accepts_per_turn; ++i) {
    net::address peer;
    socklen_t size = sizeof peer.v6;
    const int fd = accept4(listener, &peer.base, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(fd, peer);
      continue;
    }
    switch (setback_of(errno)) {
      case setback::nobody_waits:
        return false;
      case setback::of_one_connection:
        break;
      case setback::no_descriptor:
        return shed_connections(listener);
      case setback::no_resource:
        pause_accepting();
        return false;
    }
  }
  return true;
}

void shard::admit(int fd, const net::address& peer) noexcept {
  if (open_count_ >= settings_.bounds.max_connections) return turn_away(fd, shortage::connections);
  const auto counted = addresses_.enter(peer);
  if (counted == address_counts::outcome::full) return turn_away(fd, shortage::connections_of_address);
  connection* fresh = counted == address_counts::outcome::counted ? connections_.acquire() : nullptr;
  if (fresh == nullptr || !poller_.add(fd, connection_events, reinterpret_cast<uint64_t>(fresh))) {
    if (fresh != nullptr) connections_.release(*fresh);
    if (counted == address_counts::outcome::counted) addresses_.leave(peer);
    return turn_away(fd, shortage::memory);
  }
  fresh->fd = fd;
  fresh->buffers = &buffers_;
  fresh->peer = peer;
  fresh->traffic = &counts().traffic;
  counts().connections_accepted.add();
  ++open_count_;
  open_.push_back(*fresh);
  set_deadline(*fresh);
}

// A connection past a bound: its client is told, and then given time to read that.
void shard::turn_away(int fd, shortage why) noexcept {
  counts().connections_refused.add();
  note(why);
  connection* told = lingering_count_ < limits::turned_away_max ? connections_.acquire() : nullptr;
  if (told == nullptr || !poller_.add(fd, connection_events, reinterpret_cast<uint64_t>(told))) {
    if (told != nullptr) connections_.release(*told);
    return tell_busy_and_close(fd);
  }
  net::send(fd, busy);
  told->fd = fd;
  told->buffers = &buffers_;
  told->traffic = &counts().traffic;
  told->turned_away = true;
  ++lingering_count_;
  open_.push_back(*told);
  linger(*told);
}

// Descriptors ran out. The reserve lets the clients that wait be told, one after the other, instead of being left in
// the queue; then the listener is left alone for a while, since it stays ready and would be all that the shard does.
bool shard::shed_connections(int listener) noexcept {
  bool somebody_waits = true;
  for (int i = 0; i < limits::accepts_per_turn && somebody_waits && reserve_.valid(); ++i) {
    reserve_.reset();
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    somebody_waits = fd >= 0;
    if (somebody_waits) {
      tell_busy_and_close(fd);
      counts().connections_refused.add();
      note(shortage::descriptors);
    }
    open_reserve();  // another thread may have been quicker; then the next pause's end tries again
  }
  pause_accepting();
  return somebody_waits && reserve_.valid();
}

void shard::pause_accepting() noexcept {
  watch_listeners(0);
  accept_again_ms_ = core::coarse_ms() + limits::accept_pause_ms;
}

void shard::resume_accepting() noexcept {
  accept_again_ms_ = 0;
  if (!reserve_.valid()) open_reserve();
  if (!watch_listeners(EPOLLIN)) pause_accepting();
}

// False where the kernel refused one of them.
bool shard::watch_listeners(uint32_t events) noexcept {
  bool all = true;
  for_each_listener([&](net::listener& one) {
    const int fd = one.socket.get();
    all = poller_.modify(fd, events, listener_tag(fd)) && all;
  });
  return all;
}

// How long the shard may wait, at most `limit_ms`.
int64_t shard::accept_pause_left_ms(int64_t limit_ms) const noexcept {
  return accept_again_ms_ == 0 ? limit_ms : std::clamp<int64_t>(accept_again_ms_ - now_ms_, 0, limit_ms);
}

void shard::note_missing_driver() noexcept { note(shortage::threads); }

void shard::note(shortage what) noexcept {
  const limits& bounds = settings_.bounds;
  uint64_t bound = 0;
  switch (what) {
    case shortage::connections:
      bound = bounds.max_connections;
      break;
    case shortage::connections_of_address:
      bound = bounds.max_connections_per_address;
      break;
    case shortage::in_flight:
      bound = bounds.max_in_flight;
      break;
    case shortage::in_flight_total:
      bound = bounds.max_in_flight_total;
      break;
    case shortage::queue:
      bound = bounds.queue_size;
      break;
    case shortage::descriptors:
      bound = descriptors_max();
      break;
    case shortage::memory:
    case shortage::threads:
      break;
  }
  shortages_.note(what, bound, now_ms_, log_);
}

}  // namespace fasterapi::server
