#include "net/descriptor.h"

#include <unistd.h>

namespace fasterapi::net {

void descriptor::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace fasterapi::net
