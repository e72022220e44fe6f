#pragma once

#include <cstdint>
#include <string>

namespace fasterapi::server {

// Where a Python handler runs.
enum class python_run : uint8_t {
  inline_,  // on the connection's own thread, in its interpreter: for functions that take a moment
  pooled    // on a pooled worker, while the connection's thread goes on: for functions that wait
};

// What a str that a Python handler returns is sent as.
enum class python_response : uint8_t {
  json,  // a JSON string, as every other result is JSON
  text,  // text/plain
  html   // text/html
};

// A Python function that answers the requests of a route. It is called with the values of the path and of the query as
// keyword arguments, and with `body` (bytes) where it has a parameter of that name; docs/cpp/server.md tells the rules.
struct python_handler {
  std::string module = {};    // to be imported by every interpreter that calls it
  std::string function = {};  // "function", "Class.method"
  python_run run = python_run::inline_;
  python_response kind = python_response::json;
};

}  // namespace fasterapi::server
