#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "fasterapi/core/future.h"
#include "fasterapi/core/result.h"
#include "fasterapi/python/executor.h"
#include "fasterapi/python/runtime.h"
#include "fasterapi/server/config.h"
#include "server/handlers.h"
#include "server/python_side.h"

namespace fasterapi::server {

// The interpreters of a server that has Python routes: a pinned one for each reactor, and pooled ones.
//
// Owner: the server's, on its owner's thread, attached to nothing.
class python_workers {
 public:
  // Initialises Python where nobody has, makes `count` pinned workers and what the settings say of pooled ones, and
  // completes the table's Python routes: pooled ones become coroutines.
  static core::result<std::unique_ptr<python_workers>> create(const server_config& settings, size_t count,
                                                              handler_table& handlers);
  // join() must have returned.
  ~python_workers();

  // Calls `serve(index, side)` on each pinned worker, attached to nothing, once its functions are loaded; it returns
  // when the worker is to serve no more. An error where a function could not be loaded; other workers may serve then.
  core::result<> run(const std::function<void(size_t, python_side&)>& serve);
  // Waits until every `serve` has returned.
  void join();

 private:
  python_workers(size_t count, const handler_table& handlers) noexcept : count_(count), handlers_(handlers) {}

  core::result<> describe(handler_table& handlers);
  core::result<python::keyword_parameters> parameters_of(const python_handler& handler);

  const size_t count_;
  const handler_table& handlers_;
  std::unique_ptr<python::runtime> runtime_;  // none where Python was initialised already
  std::unique_ptr<python::SubinterpreterExecutor> executor_;
  std::vector<core::future<>> serving_;
};

}  // namespace fasterapi::server
