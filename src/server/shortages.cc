#include "server/shortages.h"

#include <cinttypes>
#include <cstdio>

#include "server/access_log.h"
#include "server/limits.h"

namespace fasterapi::server {

namespace {

// What is reached, and what becomes of clients.
struct wording {
  const char* bound;
  const char* fate;
  bool is_number = true;
};

constexpr wording words_of(shortage what) noexcept {
  switch (what) {
    case shortage::connections:
      return {"max_connections", "connections answered 503"};
    case shortage::connections_of_address:
      return {"max_connections_per_address", "connections answered 503"};
    case shortage::in_flight:
      return {"max_in_flight", "requests answered 503"};
    case shortage::in_flight_total:
      return {"max_in_flight_total", "requests answered 503"};
    case shortage::queue:
      return {"queue_size", "requests answered 503"};
    case shortage::descriptors:
      return {"the limit of open files", "connections answered 503"};
    case shortage::threads:
      return {"no thread can be started (see RLIMIT_NPROC and pids.max)",
              "handlers keep the other requests of their worker waiting", false};
    case shortage::memory:
      break;
  }
  return {"out of memory", "connections closed", false};
}

}  // namespace

void shortages::note(shortage what, uint64_t bound, int64_t now_ms, access_log& log) noexcept {
  state& noted = states_[static_cast<size_t>(what)];
  ++noted.count;
  if (now_ms < noted.quiet_until_ms) return;
  noted.quiet_until_ms = now_ms + limits::notice_pause_ms;
  const wording words = words_of(what);
  const uint64_t count = noted.count - noted.told;
  char line[160];
  const int size = words.is_number
                       ? std::snprintf(line, sizeof line, "%s (%" PRIu64 ") is reached: %" PRIu64 " %s", words.bound,
                                       bound, count, words.fate)
                       : std::snprintf(line, sizeof line, "%s: %" PRIu64 " %s", words.bound, count, words.fate);
  noted.told = noted.count;
  log.warning({line, static_cast<size_t>(size)});
}

}  // namespace fasterapi::server
