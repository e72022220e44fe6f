#include "fasterapi/server/server.h"

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <vector>

#include "core/cpus.h"
#include "core/thread.h"
#include "net/doorbell.h"
#include "net/listener.h"
#include "server/handlers.h"
#include "server/python_workers.h"
#include "server/reactor.h"
#include "server/signal_watch.h"

namespace fasterapi::server {

namespace {

config shard_settings(const server_config& from) {
  config to;
  limits& bounds = to.bounds;
  bounds.head = {from.request_line_max_bytes, from.header_max_bytes, from.header_max_count};
  bounds.body_max_bytes = from.body_max_bytes;
  bounds.header_timeout_ms = from.header_timeout_ms;
  bounds.body_min_rate_bytes_s = from.body_min_rate_bytes_s;
  bounds.body_grace_ms = from.body_grace_ms;
  bounds.keep_alive_timeout_ms = from.keep_alive_timeout_ms;
  bounds.write_stall_timeout_ms = from.write_stall_timeout_ms;
  bounds.max_requests_per_connection = from.max_requests_per_connection;
  bounds.max_pipelined = from.max_pipelined;
  bounds.response_buffer_bytes = from.response_buffer_bytes;
  bounds.max_connections = from.max_connections;
  bounds.max_connections_per_address = from.max_connections_per_address;
  bounds.max_in_flight = from.max_in_flight;
  bounds.max_in_flight_total = from.max_in_flight_total;
  to.allowed_hosts = from.allowed_hosts;
  to.access_log = from.access_log;
  return to;
}

}  // namespace

// What a server consists of.
struct server::engine {
  server_config settings;  // constant after construction

  // The owner's thread only; `table` is immutable once it is started.
  handler_table table;
  std::optional<core::error> bad_route;    // the first that could not be added
  std::vector<core::thread> threads;       // where there is no Python …
  std::unique_ptr<python_workers> python;  // … or what serves instead
  bool has_python_route = false;
  bool is_started = false;
  bool has_abandoned = false;  // handlers that were given up may still come back to all of this

  // Guarded by mutex; the vector does not change while a reactor runs.
  std::mutex mutex;
  std::vector<std::unique_ptr<reactor>> reactors;
  bool stop_requested = false;

  // Any thread.
  std::atomic<uint16_t> port = 0;
  std::atomic<size_t> serving = 0;
  net::doorbell ended;  // rung once no reactor serves any more

  core::result<> add(std::string_view method, std::string_view pattern, route_handler handler);
  core::result<> open_reactors();
  core::result<> begin();
  core::result<> begin_threads();
  void run(size_t index, python_side* side) noexcept;
  void stop() noexcept;
  core::result<> finish();
  core::result<> wait_for(signal_watch& signals);
};

core::result<> server::engine::add(std::string_view method, std::string_view pattern, route_handler handler) {
  if (is_started) return core::error{core::errc::invalid_argument, "routes are added before the server is started"};
  const http::method_set bit = TRY(table.routes.router.method_bit(method));
  const auto index = static_cast<uint32_t>(table.handlers.size());
  http::router::added added = TRY(table.routes.router.add(bit, pattern, index));
  handler.path_names = std::move(added.parameters);
  table.routes.routes.push_back({});
  table.handlers.push_back(std::move(handler));
  return core::nothing{};
}

// A reactor for each worker, all on one port.
core::result<> server::engine::open_reactors() {
  const std::lock_guard lock(mutex);
  const size_t count =
      settings.num_pinned_workers > 0 ? settings.num_pinned_workers : static_cast<size_t>(core::usable_cpus());
  net::address where = TRY(net::address::resolve(settings.host, settings.port));
  const net::listener reserved = TRY(net::listener::reserve(where));
  const stop_periods periods{settings.grace_period_ms, settings.cancel_period_ms};
  for (size_t i = 0; i < count; ++i) {
    reactors.push_back(TRY(reactor::create(shard_settings(settings), table, periods)));
    net::listener listener = TRY(net::listener::open(reserved.local, settings.backlog));
    TRY(reactors.back()->listen(std::move(listener)));
    if (stop_requested) reactors.back()->request_stop();
  }
  port = reserved.local.port();
  return core::nothing{};
}

core::result<> server::engine::begin() {
  TRY(open_reactors());
  serving = reactors.size();
  if (!has_python_route && settings.init.empty()) return begin_threads();
  python = TRY(python_workers::create(settings, reactors.size(), table));
  return python->run([this](size_t index, python_side& side) { run(index, &side); });
}

core::result<> server::engine::begin_threads() {
  const std::vector<int> cpus = settings.pin_to_cores ? core::allowed_cpus() : std::vector<int>();
  for (size_t i = 0; i < reactors.size(); ++i) {
    threads.push_back(TRY(core::thread::start("worker-" + std::to_string(i), [this, cpus, i] {
      // Where the CPU went away meanwhile, the thread may run on any.
      if (!cpus.empty()) static_cast<void>(core::pin_thread_to(cpus[i % cpus.size()]));
      run(i, nullptr);
    })));
  }
  return core::nothing{};
}

void server::engine::run(size_t index, python_side* side) noexcept {
  reactors[index]->run(side);
  if (serving.fetch_sub(1) == 1) ended.ring();
}

void server::engine::stop() noexcept {
  const std::lock_guard lock(mutex);
  stop_requested = true;
  for (const auto& each : reactors) each->request_stop();
}

core::result<> server::engine::finish() {
  for (core::thread& thread : threads) thread.join();
  threads.clear();
  if (python) python->join();
  const std::lock_guard lock(mutex);
  size_t abandoned = 0;
  for (const auto& each : reactors) abandoned += each->abandoned();
  has_abandoned = abandoned > 0;
  if (!has_abandoned) {
    reactors.clear();
    python.reset();
    return core::nothing{};
  }
  return core::error{core::errc::timed_out,
                     std::to_string(abandoned) + " handlers had not ended when the server stopped"};
}

core::result<> server::engine::wait_for(signal_watch& signals) {
  pollfd watched[] = {{signals.fd(), POLLIN, 0}, {ended.fd(), POLLIN, 0}};
  while ((watched[1].revents & POLLIN) == 0) {
    if (::poll(watched, 2, -1) < 0 && errno != EINTR) return core::system_error(errno, "wait for signals");
    if (signals.take() != 0) stop();
  }
  return finish();
}

core::result<std::unique_ptr<server>> server::create(server_config settings) {
  auto made = std::make_unique<engine>();
  made->settings = std::move(settings);
  if (!made->ended.valid()) return core::system_error(errno, "make an eventfd");
  return std::unique_ptr<server>(new server(std::move(made)));
}

server::server(std::unique_ptr<engine> made) noexcept : engine_(std::move(made)) {}

server::~server() {
  stop();
  static_cast<void>(engine_->finish());
  if (engine_->has_abandoned) static_cast<void>(engine_.release());
}

void server::add(std::string_view method, std::string_view pattern, plain_handler handler) {
  auto added = engine_->add(method, pattern, {std::move(handler), {}});
  if (!added.ok() && !engine_->bad_route) engine_->bad_route = added.take_failure();
}

void server::add(std::string_view method, std::string_view pattern, coroutine_handler handler) {
  auto added = engine_->add(method, pattern, {std::move(handler), {}});
  if (!added.ok() && !engine_->bad_route) engine_->bad_route = added.take_failure();
}

void server::add(std::string_view method, std::string_view pattern, python_handler handler) {
  engine_->has_python_route = true;
  auto added = engine_->add(method, pattern, {python_route(std::move(handler)), {}});
  if (!added.ok() && !engine_->bad_route) engine_->bad_route = added.take_failure();
}

core::result<> server::start() {
  engine& own = *engine_;
  if (own.bad_route) return *own.bad_route;
  if (own.is_started) return core::error{core::errc::invalid_argument, "a server is started once"};
  own.is_started = true;
  auto begun = own.begin();
  if (begun.ok()) return begun;
  own.stop();
  static_cast<void>(own.finish());
  return begun;
}

uint16_t server::port() const noexcept { return engine_->port; }

void server::stop() noexcept { engine_->stop(); }

core::result<> server::wait() { return engine_->finish(); }

core::result<> server::run() {
  signal_watch signals;
  TRY(start());
  return engine_->wait_for(signals);
}

core::result<> server::wait_for_signal() {
  signal_watch signals;
  return engine_->wait_for(signals);
}

}  // namespace fasterapi::server
