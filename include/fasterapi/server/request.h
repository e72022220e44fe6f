#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fasterapi/core/cancel.h"
#include "fasterapi/core/executor.h"

namespace fasterapi::server {

struct call;
class exchange;

// One HTTP request, as its handler sees it. Nothing is decoded before it is asked for.
//
// Owner: the server; a handler that is a coroutine may use it until it returns. Views are valid as long. Members are
// called on the thread that the handler was started on, which is the executor's.
class request {
 public:
  using name_value = std::pair<std::string_view, std::string_view>;

  request(const request&) = delete;
  request& operator=(const request&) = delete;

  // The method as received: "GET".
  std::string_view method() const noexcept;
  // The path, percent-decoded; well-formed UTF-8 without NUL.
  std::string_view path() const noexcept;
  // The path as received.
  std::string_view raw_path() const noexcept;
  // The query as received, without the '?'; empty where there is none.
  std::string_view query() const noexcept;

  // What stands in the path for a parameter of the route's pattern ("id" of "/users/{id}"), decoded. Empty where the
  // pattern has no such parameter.
  std::string_view path_value(std::string_view name) const noexcept;
  // All of them, in the pattern's order.
  std::vector<name_value> path_values() const;
  // The first value of that name in the query, decoded.
  std::optional<std::string_view> query_value(std::string_view name) const noexcept;
  // The query's names and values, decoded, in order.
  std::vector<name_value> query_values() const;

  // The first header field of that name, in upper or lower case.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  // All fields as received, in order.
  std::vector<name_value> headers() const;

  // The whole body; empty where there is none.
  std::string_view body() const noexcept;

  // Runs work on the thread that this request is handled on: where a coroutine that awaits something wants to go on.
  // Outlives the request.
  core::executor& executor() const noexcept { return *executor_; }

  // Cancelled once the answer is not wanted any more: the client is gone, or the server stops and has waited for its
  // grace period. Only for coroutines; never cancelled for a plain handler.
  core::cancel_token cancellation() const;

  // The other end of the connection: "127.0.0.1:54321". Empty once the client is gone.
  std::string client() const;

 private:
  friend class exchange;
  friend class reactor;
  request() noexcept = default;

  void show(call& of, const std::vector<std::string>& names, core::executor& on, exchange* in) noexcept {
    call_ = &of;
    names_ = &names;
    executor_ = &on;
    exchange_ = in;
  }

  call* call_ = nullptr;
  const std::vector<std::string>* names_ = nullptr;  // of the pattern's parameters
  core::executor* executor_ = nullptr;
  exchange* exchange_ = nullptr;  // null for a plain handler's
};

}  // namespace fasterapi::server
