#pragma once

#include <string>
#include <utility>
#include <vector>

#include "fasterapi/core/result.h"
#include "fasterapi/python/value.h"
#include "fasterapi/server/python_handler.h"
#include "fasterapi/server/request.h"
#include "fasterapi/server/response.h"
#include "python/keyword_function.h"

namespace fasterapi::server {

// A route that a Python function answers: how its arguments come from a request, and how its result becomes a response.
// Touches no Python object. Immutable once the server is started.
class python_route {
 public:
  using arguments = std::vector<std::pair<std::string, python::value>>;

  explicit python_route(python_handler handler) : handler_(std::move(handler)) {}

  const python_handler& handler() const noexcept { return handler_; }

  // What the function takes, in a pattern whose parameters are `path_names`; before anything else is asked. An error
  // where the function does not take one of those.
  core::result<> accept(python::keyword_parameters takes, const std::vector<std::string>& path_names);

  // What the function is to be called with. False, with `refusal` set to what is to be answered, where it needs what
  // the request has not.
  bool read(const request& of, arguments& into, response& refusal) const;
  // The response to what it returned; the error's detail, a traceback, goes to its message, for the log.
  core::result<response> respond(core::result<python::value> returned) const;

 private:
  bool takes(std::string_view name) const noexcept;

  python_handler handler_;
  python::keyword_parameters takes_;
  bool takes_body_ = false;
};

}  // namespace fasterapi::server
