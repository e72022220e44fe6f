#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fasterapi/core/result.h"
#include "fasterapi/python/gil.h"
#include "python/keyword_function.h"
#include "server/handlers.h"

namespace fasterapi::server {

// The Python of one worker: the functions of all inline routes, in the worker's interpreter.
//
// Owner: the worker's thread, which makes and destroys it attached to that interpreter.
class python_side {
 public:
  static core::result<std::unique_ptr<python_side>> load(const python::gil& held, const handler_table& handlers);

  // Answers a request of an inline route. Called by the worker's thread, attached to nothing.
  core::result<response> call(size_t route, const python_route& by, const request& of);

 private:
  explicit python_side(PyThreadState* place) noexcept : place_(place) {}

  PyThreadState* const place_;
  std::vector<std::optional<python::keyword_function>> functions_;  // by the router's route index
};

}  // namespace fasterapi::server
