#pragma once

#include <csignal>

#include "net/descriptor.h"

namespace fasterapi::server {

// Takes SIGTERM and SIGINT for as long as it lives. A handler, not a blocked mask: processes that the program
// starts must not inherit it. At most one lives at a time.
class signal_watch {
 public:
  signal_watch();
  ~signal_watch();
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

  // Readable when a signal came.
  int fd() const noexcept { return events_.get(); }
  // The signal that came since the last call, or 0.
  int take() noexcept;

 private:
  net::descriptor events_;
  struct sigaction previous_term_ {};
  struct sigaction previous_int_ {};
};

}  // namespace fasterapi::server
