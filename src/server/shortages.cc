#include "server/shortages.h"

#include <algorithm>
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
  noted.bound = bound;
  if (now_ms < noted.quiet_until_ms) {
    tell_at_ms_ = std::min(tell_at_ms_, noted.quiet_until_ms);
    return;
  }
  noted.quiet_until_ms = now_ms + limits::notice_pause_ms;
  tell(what, noted, log);
}

void shortages::tell_late(int64_t now_ms, access_log& log) noexcept {
  if (now_ms < tell_at_ms_) [[likely]]
    return;
  tell_at_ms_ = never_ms;
  for (size_t i = 0; i < kinds; ++i) {
    state& noted = states_[i];
    if (noted.count == noted.told) continue;
    if (now_ms < noted.quiet_until_ms) {
      tell_at_ms_ = std::min(tell_at_ms_, noted.quiet_until_ms);
    } else {
      noted.quiet_until_ms = now_ms + limits::notice_pause_ms;
      tell(static_cast<shortage>(i), noted, log);
    }
  }
}

void shortages::tell_rest(access_log& log) noexcept {
  for (size_t i = 0; i < kinds; ++i) {
    if (states_[i].count != states_[i].told) tell(static_cast<shortage>(i), states_[i], log);
  }
  tell_at_ms_ = never_ms;
}

int64_t shortages::quiet_ms(int64_t now_ms, int64_t limit_ms) const noexcept {
  return tell_at_ms_ == never_ms ? limit_ms : std::clamp<int64_t>(tell_at_ms_ - now_ms, 0, limit_ms);
}

void shortages::tell(shortage what, state& of, access_log& log) noexcept {
  const wording words = words_of(what);
  const uint64_t count = of.count - of.told;
  char line[160];
  const int size = words.is_number
                       ? std::snprintf(line, sizeof line, "%s (%" PRIu64 ") is reached: %" PRIu64 " %s", words.bound,
                                       of.bound, count, words.fate)
                       : std::snprintf(line, sizeof line, "%s: %" PRIu64 " %s", words.bound, count, words.fate);
  of.told = of.count;
  log.warning({line, static_cast<size_t>(size)});
}

}  // namespace fasterapi::server
