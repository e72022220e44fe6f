#include "server/busy_meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace fasterapi::server {

// "running waiting slices", the first two in ns (proc(5), schedstat).
int64_t busy_meter::waited_ns() noexcept {
  if (!counts_.valid()) counts_ = net::descriptor(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  char text[80];
  const ssize_t size = ::pread(counts_.get(), text, sizeof text, 0);
  if (size <= 0) return 0;
  const char* end = text + size;
  const char* at = std::find(static_cast<const char*>(text), end, ' ');
  int64_t waited = 0;
  if (at != end) std::from_chars(at + 1, end, waited);
  return waited;
}

void busy_meter::look() noexcept { seen_ns_ = waited_ns(); }

int64_t busy_meter::without_waits(int64_t run_ns) noexcept {
  const int64_t now_ns = waited_ns();
  const int64_t waited = now_ns - std::exchange(seen_ns_, now_ns);
  return std::max<int64_t>(0, run_ns - waited);
}

}  // namespace fasterapi::server
