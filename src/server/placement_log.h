#pragma once

#include <string>

#include "server/log_clock.h"
#include "server/placement.h"

namespace fasterapi::server {

// Tells on standard error what placement moved, a line for each move, in the form of the package's own log.
//
// One caller at a time.
class placement_log {
 public:
  placement_log(bool enabled, bool as_json) noexcept : enabled_(enabled), as_json_(as_json), clock_(as_json) {}

  void tell(const placement::move& moved, const std::string& label) noexcept;

 private:
  const bool enabled_;
  const bool as_json_;
  log_clock clock_;
};

// "GET /x (handler) moved to the pool: a call took 12.3 ms".
std::string describe(const placement::move& moved, const std::string& label);

}  // namespace fasterapi::server
