#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/limits.h"

namespace fasterapi::server {

// How one shard serves. Values are checked where they come from (fasterapi/config.py).
struct config {
  limits bounds;

  // Host names that are served, lower-case; "*.example.com" stands for its subdomains. Empty: any. Others get 421.
  std::vector<std::string> allowed_hosts;

  // What a proxy strips from paths; percent-encoded, without a slash at its end.
  std::string root_path;

  int32_t worker = -1;  // its index among the server's workers; -1: none

  bool pool_only = false;  // no handler runs on the shard's thread, as long as there is a pool

  bool access_log = false;
  bool access_log_json = false;
  bool send_request_id = false;  // in each answer, as X-Request-ID
};

}  // namespace fasterapi::server
