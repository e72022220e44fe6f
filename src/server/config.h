#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "http/h1/head_parser.h"

namespace fasterapi::server {

// Bounds and times of one shard. Values are checked where they come from (fasterapi/config.py).
struct config {
  http::h1::head_limits head;

  uint64_t body_max_bytes = uint64_t{16} << 20;  // past it: 413
  uint32_t max_connections = 65536;              // per shard; past it: 503, then close
  uint32_t json_depth_max = 128;

  int64_t header_timeout_ms = 15'000;       // from a head's first byte to its last; past it: 408
  int64_t keep_alive_timeout_ms = 75'000;   // between requests; past it: close
  int64_t write_stall_timeout_ms = 30'000;  // without the peer taking a byte; past it: close
  uint64_t body_min_rate_bytes_s = 240;     // averaged over a body, after body_grace_ms; below it: 408

  // Host names that are served, lower-case; "*.example.com" stands for its subdomains. Empty: any. Others get 421.
  std::vector<std::string> allowed_hosts;

  // What a proxy strips from paths; percent-encoded, without a slash at its end.
  std::string root_path;

  bool access_log = false;
  bool access_log_json = false;

  // Not settable: what keeps one connection from taking more than its share.
  static constexpr size_t receive_block_bytes = 65536;  // of a shard: for requests that arrive whole
  static constexpr size_t head_read_bytes = 4096;       // of a connection, behind what it holds already
  static constexpr size_t body_read_bytes = 16384;
  static constexpr size_t output_high_water_bytes = 262'144;  // unsent answers, before pipelined requests have to wait
  static constexpr int64_t body_grace_ms = 5'000;
  static constexpr int64_t linger_ms = 2'000;            // for the peer to read an answer and close
  static constexpr uint64_t linger_max_bytes = 1 << 20;  // of a request that is not read any more
  static constexpr int accepts_per_turn = 64;
};

}  // namespace fasterapi::server
