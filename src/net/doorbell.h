#pragma once

#include "net/descriptor.h"

namespace fasterapi::net {

// Lets any thread wake one that polls a descriptor (eventfd(2)). Rings that come before anybody looks are one.
class doorbell {
 public:
  // Not valid, with errno set, when the kernel refuses.
  doorbell() noexcept;

  bool valid() const noexcept { return bell_.valid(); }
  // Readable from a ring on, until still().
  int fd() const noexcept { return bell_.get(); }
  void ring() const noexcept;
  // Whoever looks has taken note.
  void still() const noexcept;

 private:
  descriptor bell_;
};

}  // namespace fasterapi::net
