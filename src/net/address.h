#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "fasterapi/core/result.h"

namespace fasterapi::net {

// An IPv4 or IPv6 endpoint.
struct address {
  union {
    sockaddr base;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };

  address() noexcept : v6{} {}

  socklen_t size() const noexcept { return base.sa_family == AF_INET6 ? sizeof v6 : sizeof v4; }
  uint16_t port() const noexcept;
  // The numeric host: "127.0.0.1", "::1".
  std::string host() const;
  // "127.0.0.1:8000", "[::1]:8000".
  std::string to_string() const;

  // Resolves a numeric address or a host name (the first answer is taken); "localhost", "0.0.0.0", "::".
  static core::result<address> resolve(const std::string& host, uint16_t port);
  // The local end of a socket.
  static core::result<address> of_socket(int fd);
};

}  // namespace fasterapi::net
