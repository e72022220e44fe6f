#pragma once

#include <cstdint>
#include <string_view>

#include "core/byte_buffer.h"
#include "server/log_clock.h"

namespace fasterapi::server {

struct call;

// One line for each answered request, gathered during a turn and written to standard output at its end; and lines for
// errors that no Python code reports, written to standard error.
//
// Owner: one shard. Text lines are `2026-01-31 12:00:00.123 INFO 127.0.0.1:54321 "GET /path HTTP/1.1" 200 27 0.153 ms`
// (status, bytes of the body); JSON lines are objects with the same facts.
class access_log {
 public:
  access_log(bool enabled, bool as_json) noexcept : enabled_(enabled), as_json_(as_json), clock_(as_json) {}

  bool enabled() const noexcept { return enabled_; }
  // The call's head must still be readable.
  void add(const call& answered, uint16_t status, size_t body_bytes, int64_t elapsed_ns) noexcept;
  // `what` may be several lines: the id is on the first.
  void error(std::string_view request_id, std::string_view what) noexcept;
  // A line of what is wrong with the server, and not with one request. Without memory it is lost.
  void warning(std::string_view what) noexcept;
  void flush() noexcept;

 private:
  void add_text(const call& answered, uint16_t status, size_t body_bytes, double elapsed_ms) noexcept;
  void add_json(const call& answered, uint16_t status, size_t body_bytes, double elapsed_ms) noexcept;

  bool enabled_;
  bool as_json_;
  log_clock clock_;
  core::byte_buffer lines_;
};

}  // namespace fasterapi::server
