#include "net/listener.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <iterator>

namespace fasterapi::net {

core::result<listener> listener::reserve(const address& where) {
  listener made;
  made.socket.reset(::socket(where.base.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.socket.valid()) return core::system_error(errno, "open a socket");
  const int on = 1;
  const int fd = made.socket.get();
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return core::system_error(errno, "set SO_REUSEPORT");
  }
  if (::bind(fd, &where.base, where.size()) != 0) return core::system_error(errno, "bind " + where.to_string());
  made.local = TRY(address::of_socket(fd));
  return made;
}

core::result<listener> listener::open(const address& where, int backlog) {
  listener made = TRY(reserve(where));
  const int on = 1;
  // Inherited by accepted sockets: answers are written whole, so Nagle's delay has nothing to gather.
  setsockopt(made.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::listen(made.socket.get(), backlog) != 0) {
    return core::system_error(errno, "listen on " + made.local.to_string());
  }
  return made;
}

core::result<listener> listener::adopt(int fd, int backlog) {
  listener made;
  made.socket.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!made.socket.valid()) return core::system_error(errno, "adopt a listening socket");
  const int own = made.socket.get();
  made.local = TRY(address::of_socket(own));
  const int on = 1;
  setsockopt(own, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on);
  setsockopt(own, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::fcntl(own, F_SETFL, ::fcntl(own, F_GETFL) | O_NONBLOCK) != 0) {
    return core::system_error(errno, "make " + made.local.to_string() + " non-blocking");
  }
  if (::listen(own, backlog) != 0) return core::system_error(errno, "listen on " + made.local.to_string());
  return made;
}

void listener::silence() const noexcept {
  // A classic BPF program (socket(7)) that sees TCP segments from their header on: those that have SYN set are dropped.
  constexpr uint32_t flags_at = 13;
  constexpr uint32_t syn = 0x02;
  constexpr uint32_t all = 0xFFFFFFFF;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, all),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace fasterapi::net
