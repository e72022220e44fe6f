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
};

// The routes that a shard serves. Immutable while a shard uses it.
struct application {
  http::router router;
  std::vector<route> routes;  // by the router's route index
  bool redirect_slashes = true;
  // Refusals that the driver answers itself: such calls are handed out with `refused` set.
  bool intercepts_not_found = false;      // 404
  bool intercepts_method = false;         // 405
  bool intercepts_unprocessable = false;  // 422

  bool intercepts(uint16_t status) const noexcept {
    return (status == 404 && intercepts_not_found) || (status == 405 && intercepts_method) ||
           (status == 422 && intercepts_unprocessable);
  }
};

}  // namespace fasterapi::server
