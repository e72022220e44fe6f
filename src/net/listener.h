#pragma once

#include "fasterapi/core/result.h"
#include "net/address.h"
#include "net/descriptor.h"

namespace fasterapi::net {

// A TCP socket bound with SO_REUSEPORT, so that several shards can each listen on the same port and the kernel spreads
// connections among them.
struct listener {
  descriptor socket;
  address local;

  // Bound and listening, non-blocking. Errors carry errno (EADDRINUSE when somebody else has the port).
  static core::result<listener> open(const address& where, int backlog);
  // A listening socket that somebody else holds too, by a descriptor of this process, which stays the caller's. What
  // waits to be accepted is shared with whoever else accepts from it, and outlives each of them; silence() is undone.
  static core::result<listener> adopt(int fd, int backlog);
  // Bound without listening: holds a port (also one that the kernel chose for port 0) for listeners opened later.
  static core::result<listener> reserve(const address& where);

  // Lets nobody begin a connection any more, while handshakes that are under way come to their end and can be accepted:
  // what is closed after that, when accept finds nothing, drops nobody who was connected. Later attempts go unanswered,
  // also those to other descriptors of this socket, until it is closed or adopted. Does nothing where the kernel
  // refuses.
  void silence() const noexcept;
};

}  // namespace fasterapi::net
