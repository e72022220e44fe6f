#include "server/lifeline.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

#include "core/thread.h"

namespace fasterapi::server {

core::result<> end_with_other_side(int pipe, int64_t patience_ms) {
  core::thread watching = TRY(core::thread::start("lifeline", [pipe, patience_ms] {
    // Without events it reports only that the other end is closed.
    pollfd watched{pipe, 0, 0};
    while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
    }
    if ((watched.revents & POLLHUP) == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(patience_ms));
    constexpr std::string_view why = "the supervisor is gone, and some requests do not end: exiting without them\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, why.data(), why.size());
    ::_exit(1);
  }));
  watching.detach();
  return core::nothing{};
}

}  // namespace fasterapi::server
