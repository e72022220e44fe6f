#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "core/intrusive_list.h"
#include "core/object_pool.h"
#include "fasterapi/core/cancel.h"
#include "fasterapi/core/executor.h"
#include "fasterapi/core/result.h"
#include "fasterapi/core/task.h"
#include "fasterapi/server/response.h"
#include "server/exchange.h"
#include "server/handlers.h"
#include "server/python_side.h"
#include "server/shard.h"

namespace fasterapi::server {

// How long a stop may take; see server_config.
struct stop_periods {
  int64_t grace_ms = 0;
  int64_t cancel_ms = 0;
};

// Drives one shard and runs the handlers of its requests, all on one thread. Handlers that suspend are resumed there: a
// reactor is an executor.
//
// Owner: the server. run() is called once, by the thread that serves; post() and request_stop() by any.
class reactor final : public core::executor {
 public:
  // `handlers` must outlive the reactor.
  static core::result<std::unique_ptr<reactor>> create(const config& settings, const handler_table& handlers,
                                                       stop_periods periods);
  ~reactor() override;

  // Accepts connections from run() on; those that come earlier wait in the listener.
  core::result<> listen(net::listener listener);
  const net::address& local() const noexcept { return shard_->local(); }

  // Serves until it was told to stop and every request is answered or given up. `python` answers inline Python routes;
  // null where there are none.
  void run(python_side* python) noexcept;

  bool post(core::task work) noexcept override;
  void request_stop() noexcept;

  // Handlers that were suspended still when run() ended. They may hold on to the reactor, which must then never be
  // freed.
  size_t abandoned() const noexcept { return abandoned_; }

 private:
  struct hop;
  struct detached;

  reactor(std::unique_ptr<shard> driven, const handler_table& handlers, stop_periods periods) noexcept;

  void turn() noexcept;
  bool ended() noexcept;
  int64_t patience_ms() const noexcept;
  void run_posted() noexcept;
  void refuse_posts() noexcept;
  void begin(call& next) noexcept;
  void begin_coroutine(call& next, const route_handler& route, const route_handler::coroutine& handler) noexcept;
  detached serve(exchange& of, const route_handler::coroutine& handler);
  void finish(exchange& of, const core::result<response>& made) noexcept;
  void answer(call& ended, const core::result<response>& made) noexcept;
  void answer_with(call& ended, const response& given) noexcept;
  void tell_unwanted() noexcept;
  void cancel_all() noexcept;

  // Constant after construction.
  const std::unique_ptr<shard> shard_;
  const handler_table& handlers_;
  const stop_periods periods_;

  // Owned by the thread that runs it.
  python_side* python_ = nullptr;
  core::object_pool<exchange> exchanges_;
  core::intrusive_list<exchange, exchange_tag> under_way_;
  std::vector<http::h1::response_field> fields_;  // of the answer under way
  std::vector<core::task> running_;
  std::vector<core::cancel_source> unwanted_;  // of handlers that are about to be told
  int64_t stop_began_ms_ = 0;
  bool cancelled_all_ = false;
  size_t abandoned_ = 0;

  // Any thread.
  std::atomic<std::thread::id> thread_;   // that runs it, once one does
  std::atomic<bool> has_posted_ = false;  // changed under mutex_; its own posts need no waking

  // Guarded by mutex_.
  std::mutex mutex_;
  std::vector<core::task> posted_;
  bool closed_ = false;
};

}  // namespace fasterapi::server
