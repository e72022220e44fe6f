#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "fasterapi/core/coro_task.h"
#include "fasterapi/core/result.h"
#include "fasterapi/server/request.h"
#include "fasterapi/server/response.h"
#include "server/application.h"
#include "server/python_route.h"

namespace fasterapi::server {

// What answers the requests of one route.
struct route_handler {
  using plain = std::function<core::result<response>(const request&)>;
  using coroutine = std::function<core::coro_task<response>(const request&)>;

  std::variant<plain, coroutine, python_route> run;
  std::vector<std::string> path_names;  // of the pattern's parameters, in order
};

// The routes of a server and what answers them. Immutable once the server is started; any thread may read it then.
struct handler_table {
  application routes;
  std::vector<route_handler> handlers;  // by the router's route index
};

}  // namespace fasterapi::server
