#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/result.h"
#include "fasterapi/server/config.h"
#include "fasterapi/server/python_handler.h"
#include "fasterapi/server/request.h"
#include "fasterapi/server/response.h"

namespace fasterapi::server {

namespace detail {

template <typename Handler>
using returned = std::invoke_result_t<const Handler&, const request&>;
template <typename Handler>
inline constexpr bool suspends = std::is_same_v<returned<Handler>, core::coro_task<response>>;
template <typename Handler>
inline constexpr bool answers =
    std::is_same_v<returned<Handler>, response> || std::is_same_v<returned<Handler>, core::result<response>>;

}  // namespace detail

// An HTTP/1.1 server whose handlers are C++ callables, plain or coroutines, and Python functions.
//
//   auto srv = TRY(server::create({.port = 8000}));
//   srv->get("/hello/{name}", [](const request& of) { return response::text("hello " +
//   std::string(of.path_value("name"))); }); TRY(srv->run());
//
// A handler takes a `const request&` and returns a response, a core::result<response> or a core::coro_task<response>;
// an error is answered 500 and logged, and the client is told no more than an id. Each request is handled on the thread
// that owns its connection: a handler must not block there, since the thread's other connections wait for it. Handlers
// of one route run on several threads at a time, and throw no exception.
//
// A coroutine begins on that thread, and comes back to it by awaiting with the request's executor:
// `co_await core::make_awaitable(std::move(future), of.executor())`. Its answer is sent from there in any case.
//
// Owner: one thread, which adds routes, starts and destroys it. stop() and port() may be called by any.
class server {
 public:
  // Makes one that has no routes yet and does not listen.
  static core::result<std::unique_ptr<server>> create(server_config settings);
  // Stops it, and waits for it, where that was not done.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Adds a route. A pattern is literal text and parameters: "/users/{id}", "/{year:int}/{name}", "/files/{path:path}".
  // Of two routes with the same method and pattern the earlier one is used. All routes are added before start(), which
  // tells of a pattern that is malformed.
  template <typename Handler>
  server& route(std::string_view method, std::string_view pattern, Handler handler) {
    if constexpr (std::is_same_v<Handler, python_handler>) {
      add(method, pattern, std::move(handler));
    } else if constexpr (detail::suspends<Handler>) {
      add(method, pattern, coroutine_handler(std::move(handler)));
    } else {
      static_assert(detail::answers<Handler>,
                    "a handler returns response, core::result<response> or coro_task<response>");
      add(method, pattern, plain_handler([handler = std::move(handler)](const request& of) {
            return core::result<response>(handler(of));
          }));
    }
    return *this;
  }

  // GET, which HEAD requests are answered by too.
  template <typename Handler>
  server& get(std::string_view pattern, Handler handler) {
    return route("GET", pattern, std::move(handler));
  }
  template <typename Handler>
  server& post(std::string_view pattern, Handler handler) {
    return route("POST", pattern, std::move(handler));
  }
  template <typename Handler>
  server& put(std::string_view pattern, Handler handler) {
    return route("PUT", pattern, std::move(handler));
  }
  template <typename Handler>
  server& patch(std::string_view pattern, Handler handler) {
    return route("PATCH", pattern, std::move(handler));
  }
  template <typename Handler>
  server& del(std::string_view pattern, Handler handler) {
    return route("DELETE", pattern, std::move(handler));
  }

  // Listens and serves, on threads of its own. An error when the port or the threads cannot be had, or a route is not
  // what it should be.
  core::result<> start();
  // Where it listens, once started: the port that was asked for, or that the kernel chose.
  uint16_t port() const noexcept;
  // No new connections; requests under way are answered first. Returns at once. It is for good: a server that is
  // started afterwards stops again.
  void stop() noexcept;
  // Waits until it has stopped. An error where handlers had to be given up, which were suspended past their time.
  core::result<> wait();
  // wait(), and SIGINT and SIGTERM stop it; the program's handlers of them are put back afterwards.
  core::result<> wait_for_signal();
  // start(), then wait_for_signal().
  core::result<> run();

 private:
  using plain_handler = std::function<core::result<response>(const request&)>;
  using coroutine_handler = std::function<core::coro_task<response>(const request&)>;
  struct engine;

  explicit server(std::unique_ptr<engine> made) noexcept;

  void add(std::string_view method, std::string_view pattern, plain_handler handler);
  void add(std::string_view method, std::string_view pattern, coroutine_handler handler);
  void add(std::string_view method, std::string_view pattern, python_handler handler);

  std::unique_ptr<engine> engine_;
};

}  // namespace fasterapi::server
