#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "http/router.h"
#include "schema/plan.h"

namespace fasterapi::server {

// Where a route's handler is to run: where its measured run time says, on the thread that drives the shard, or in the
// pool.
enum class run_mode : uint8_t { automatic, inlined, pooled };

// What the engine knows of one route; the handler itself belongs to whoever drives the shard.
struct route {
  const schema::plan* plan = nullptr;  // null: no parameters to read. Outlives the application.
  run_mode run = run_mode::automatic;
  bool is_async = false;      // the handler gives a coroutine, as far as is known before it is called
  bool always_admit = false;  // also when as many requests are in flight as the server takes
  int64_t timeout_ms = 0;     // that the handler may take until its request is answered with 504; 0: any time
  std::string name = {};      // for people: "GET /x (handler)"
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
