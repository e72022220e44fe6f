#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/router.h"
#include "schema/plan.h"

namespace fasterapi::server {

// What the engine knows of one route; the handler itself belongs to whoever drives the shard.
struct route {
  const schema::plan* plan = nullptr;  // null: no parameters to read. Outlives the application.
  bool reads_body = false;             // the handler can ask for the body
};

// The routes that a shard serves. Immutable while a shard uses it.
struct application {
  http::router router;
  std::vector<route> routes;  // by the router's route index
  bool redirect_slashes = true;
};

}  // namespace fasterapi::server
