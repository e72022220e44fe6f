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
  // Bound without listening: holds a port (also one that the kernel chose for port 0) for listeners opened later.
  static core::result<listener> reserve(const address& where);
};

}  // namespace fasterapi::net
