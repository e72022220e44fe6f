#pragma once

#include <csignal>

#include "net/descriptor.h"

namespace fasterapi::server {

// Takes SIGTERM and SIGINT, and SIGHUP where that means a reload, for as long as it lives. A handler, not a blocked
// mask: processes that the program starts must not inherit it. At most one lives at a time.
class signal_watch {
 public:
  enum class reloads : bool { no, yes };

  explicit signal_watch(reloads on_hangup = reloads::no);
  ~signal_watch();
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;

  // Readable when a signal came.
  int fd() const noexcept { return events_.get(); }
  // The signal that came since the last call, or 0. Of several: the one that ends more. A SIGHUP that came because the
  // program's terminal was closed is a SIGTERM.
  int take() noexcept;

 private:
  net::descriptor events_;
  struct sigaction previous_term_ {};
  struct sigaction previous_int_ {};
  struct sigaction previous_hup_ {};
  const reloads on_hangup_;
  const bool had_terminal_;
};

}  // namespace fasterapi::server
