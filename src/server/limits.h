#pragma once

#include <cstddef>
#include <cstdint>

#include "http/h1/head_parser.h"

namespace fasterapi::server {

// Every bound on what clients can make a shard hold or do, and what happens at it. The settable ones are options
// (fasterapi/config.py), which are checked where they come from; docs/limits.md lists them.
struct limits {
  // One request.
  http::h1::head_limits head;                    // past them: 414, 431
  uint64_t body_max_bytes = uint64_t{16} << 20;  // past it: 413
  uint32_t json_depth_max = 128;                 // past it: 400

  // A client's time.
  int64_t header_timeout_ms = 15'000;       // from a head's first byte to its last; past it: 408
  uint64_t body_min_rate_bytes_s = 240;     // averaged over a body, once the grace is over; below it: 408. 0: any
  int64_t body_grace_ms = 5'000;            // of a body, before its rate counts
  int64_t keep_alive_timeout_ms = 75'000;   // between requests; past it: close
  int64_t write_stall_timeout_ms = 30'000;  // without the peer taking a byte; past it: close

  // One connection.
  uint32_t max_requests_per_connection = 0;    // 0: any number; the last answer says that it is the last
  uint32_t max_pipelined = 64;                 // answered in one go, before other connections get their turn
  uint64_t response_buffer_bytes = 256 << 10;  // unsent answers, before pipelined requests have to wait

  // A shard.
  uint32_t max_connections = 65536;          // open; past it: 503, then close
  uint32_t max_connections_per_address = 0;  // of one client's address; past it: 503, then close. 0: any number
  uint32_t max_in_flight = 16384;            // requests whose handlers have not ended; past it: 503
  uint32_t max_in_flight_total = 65536;      // of all shards of the process; past it: 503
  uint32_t queue_size = 1024;                // calls that wait for a pooled worker, of the process; past it: 503

  // Not settable: what keeps one connection from taking more than its share.
  static constexpr size_t receive_block_bytes = 65536;  // of a shard: for requests that arrive whole
  static constexpr size_t head_read_bytes = 4096;       // of a connection, behind what it holds already
  static constexpr size_t body_read_bytes = 16384;
  static constexpr size_t read_by_handler_bytes = 65536;     // bodies from here on are checked where their handler runs
  static constexpr uint64_t input_per_turn_bytes = 1 << 20;  // of a connection, before others get their turn
  static constexpr int64_t linger_ms = 2'000;                // for the peer to read an answer and close
  static constexpr uint64_t linger_max_bytes = 1 << 20;      // of a request that is not read any more
  static constexpr int accepts_per_turn = 64;
  static constexpr int64_t deadline_tick_ms = 4;  // how exact the deadlines of calls are
  // How long an idle connection of a shard that ends may still send a request, which is answered: a client that used it
  // at the moment of the end must not find it closed. When the server stops, and when others go on serving.
  static constexpr int64_t stop_idle_ms = 200;
  static constexpr int64_t drain_idle_ms = 1'500;
  static constexpr size_t turned_away_max = 64;      // connections that are told so and lingered with at a time
  static constexpr int64_t accept_pause_ms = 100;    // after descriptors or the kernel's memory ran out
  static constexpr int64_t notice_pause_ms = 5'000;  // between two lines of the log about the same shortage
};

}  // namespace fasterapi::server
