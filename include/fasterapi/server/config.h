#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fasterapi::server {

// How a server is set up. Copied by server::create(); the defaults are those of `fasterapi run`.
struct server_config {
  // A numeric address or a name; its first address is taken.
  std::string host = "127.0.0.1";
  // 0: one that the kernel chooses; server::port() tells which.
  uint16_t port = 8000;
  // Connections that the kernel holds for each worker until they are accepted.
  int backlog = 2048;

  // Threads that serve, each with a share of the connections and, where there are Python handlers, an interpreter with
  // a GIL of its own. 0: as many as there are usable CPUs.
  size_t num_pinned_workers = 0;
  // Threads for Python handlers that are `pooled`. 0: none; such a handler then makes start() fail.
  size_t num_pooled_workers = 0;
  // Interpreters that the pooled workers share. 0: half as many as there are pooled workers, at least one.
  size_t num_pooled_interpreters = 0;
  // Each pinned worker stays on a CPU of its own.
  bool pin_to_cores = false;

  // The Python whose packages are meant, such as a virtual environment's (".venv/bin/python"). Empty: the one that a
  // shell would find. Without effect where the program has initialised Python itself.
  std::string python_executable = {};
  // Put in front of every interpreter's sys.path.
  std::vector<std::string> python_path = {};
  // Python that every interpreter runs before it serves: the name of a module, or code where it holds more than a name.
  std::string init = {};

  // A request's line, its header block with all line ends, and its fields; past them: 414, 431, 431, then close.
  uint32_t request_line_max_bytes = 8 * 1024;
  uint32_t header_max_bytes = 64 * 1024;
  uint32_t header_max_count = 100;
  // Request bodies past it are answered 413.
  uint64_t body_max_bytes = uint64_t{16} << 20;
  // From a head's first byte to its last; past it: 408.
  int64_t header_timeout_ms = 15'000;
  // Of request bodies, averaged; below it: 408. 0: any.
  uint64_t body_min_rate_bytes_s = 240;
  // Of a body, before that rate counts.
  int64_t body_grace_ms = 5'000;
  // Between requests of a connection; past it: close.
  int64_t keep_alive_timeout_ms = 75'000;
  // Without the peer taking a byte of an answer; past it: close.
  int64_t write_stall_timeout_ms = 30'000;
  // Requests of one connection; the last one's answer says that it is the last. 0: any number.
  uint32_t max_requests_per_connection = 0;
  // Requests of one connection that are answered in a row while others wait.
  uint32_t max_pipelined = 64;
  // Unsent bytes of a connection's answers from which its next requests wait.
  uint64_t response_buffer_bytes = 256 * 1024;
  // Open connections of each worker; past it: 503, then close.
  uint32_t max_connections = 65536;
  // Those of one client's address, an IPv6 client being its /64; past it: 503, then close. 0: any number.
  uint32_t max_connections_per_address = 0;
  // Requests whose handlers have not ended, of each worker and of all servers of the process; past it: 503.
  uint32_t max_in_flight = 16384;
  uint32_t max_in_flight_total = 65536;
  // Calls of `pooled` Python handlers that wait for a pooled worker; past it: 503.
  uint32_t queue_size = 1024;
  // Host names that are served; "*.example.com" stands for its subdomains. Empty: any. Others are answered 421.
  std::vector<std::string> allowed_hosts = {};

  // A line on standard output for each answered request.
  bool access_log = false;
  // How long requests under way may take once the server stops. Then their cancel tokens fire.
  int64_t grace_period_ms = 30'000;
  // After that, until wait() returns even though handlers are suspended still; they never go on.
  int64_t cancel_period_ms = 5'000;
};

}  // namespace fasterapi::server
