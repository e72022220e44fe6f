#pragma once

#include <cstdint>
#include <string_view>

#include "core/byte_buffer.h"
#include "server/config.h"
#include "server/log_clock.h"
#include "server/log_writer.h"
#include "server/metrics.h"

namespace fasterapi::server {

struct call;

// What the log tells of an answered call, beside what the call itself says.
struct log_entry {
  const call_outcome& how;
  size_t body_bytes;
  std::string_view route;
};

// One line for each answered request, gathered during a turn and handed to the process's log_writer at its end, for
// standard output; and lines for errors that no Python code reports, for standard error.
//
// Owner: one shard. Text lines are
//   2026-01-31 12:00:00.123 INFO 127.0.0.1:54321 "GET /path HTTP/1.1" 200 27 0.153 ms worker=0 inline request_id=…
// (status, bytes of the body, time); JSON lines are objects with the same facts, the route and the trace.
class access_log {
 public:
  explicit access_log(const config& settings);

  bool enabled() const noexcept { return enabled_; }
  // The call's head must still be readable.
  void add(const call& answered, const log_entry& entry) noexcept;
  // Of a request whose head can still be read, if it came whole. `what` may be several lines: the id is on the first.
  void error(const call& about, std::string_view what) noexcept;
  // A line of what is wrong with the server, and not with one request. Without memory it is lost.
  void warning(std::string_view what) noexcept;
  void flush() noexcept;
  // How many lines were dropped, because nobody read them in time, since this was asked last.
  uint64_t take_dropped() noexcept;

 private:
  void add_text(const call& answered, const log_entry& entry) noexcept;
  void add_json(const call& answered, const log_entry& entry) noexcept;

  const bool enabled_;
  const bool as_json_;
  const int32_t worker_;
  log_clock clock_;
  core::byte_buffer lines_;
  log_writer::source writer_;
  uint64_t dropped_ = 0;
};

}  // namespace fasterapi::server
