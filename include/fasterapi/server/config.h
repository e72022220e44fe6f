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

  // Request bodies past it are answered 413.
  uint64_t body_max_bytes = uint64_t{16} << 20;
  // Open connections of each worker; past it: 503, then close.
  uint32_t max_connections = 65536;
  // From a head's first byte to its last; past it: 408.
  int64_t header_timeout_ms = 15'000;
  // Between requests of a connection; past it: close.
  int64_t keep_alive_timeout_ms = 75'000;
  // Without the peer taking a byte of an answer; past it: close.
  int64_t write_stall_timeout_ms = 30'000;
  // Of request bodies, averaged; below it: 408. 0: any.
  uint64_t body_min_rate_bytes_s = 240;
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
