#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <cerrno>
#include <cstring>

namespace fasterapi::net {

uint16_t address::port() const noexcept { return ntohs(base.sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port); }

std::string address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (base.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  } else {
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  }
  return text;
}

std::string address::to_string() const {
  const std::string name = base.sa_family == AF_INET6 ? "[" + host() + "]" : host();
  return name + ":" + std::to_string(port());
}

core::result<address> address::resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) {
    return core::error{std::make_error_code(std::errc::address_not_available),
                       "host \"" + host + "\" cannot be resolved: " + gai_strerror(code),
                       {}};
  }
  address taken;
  std::memcpy(&taken.v6, found->ai_addr, std::min<size_t>(found->ai_addrlen, sizeof taken.v6));
  freeaddrinfo(found);
  return taken;
}

core::result<address> address::of_socket(int fd) {
  address local;
  socklen_t size = sizeof local.v6;
  if (getsockname(fd, &local.base, &size) != 0) return core::system_error(errno, "read a socket's address");
  return local;
}

}  // namespace fasterapi::net
