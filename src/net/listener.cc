#include "net/listener.h"

#include <netinet/tcp.h>

#include <cerrno>

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

}  // namespace fasterapi::net
