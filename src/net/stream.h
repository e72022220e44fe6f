#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string_view>

// Reading and writing of connected sockets: recv(2), send(2) and sendmsg(2) as the kernel has them. The C library's
// functions of these names are cancellation points, which costs a few atomic operations in a process with threads; no
// thread of the engine is ever cancelled.
//
// Each returns how many bytes were taken, or -1 with errno set. Never raises SIGPIPE.
namespace fasterapi::net {

inline ssize_t receive(int fd, char* to, size_t size) noexcept {
  return ::syscall(SYS_recvfrom, fd, to, size, 0, nullptr, nullptr);
}

inline ssize_t send(int fd, std::string_view bytes) noexcept {
  return ::syscall(SYS_sendto, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
}

// Two pieces as one.
inline ssize_t send(int fd, std::string_view first, std::string_view second) noexcept {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},
                             iovec{const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

}  // namespace fasterapi::net
