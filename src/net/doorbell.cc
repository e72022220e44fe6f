#include "net/doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace fasterapi::net {

doorbell::doorbell() noexcept : bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void doorbell::ring() const noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &one, sizeof one);
}

void doorbell::still() const noexcept {
  uint64_t rings;
  [[maybe_unused]] const ssize_t got = ::read(bell_.get(), &rings, sizeof rings);
}

}  // namespace fasterapi::net
