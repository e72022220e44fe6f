#pragma once

#include <Python.h>

#include <string>
#include <vector>

#include "bindings/compiled_plan.h"
#include "bindings/module_state.h"
#include "fasterapi/python/ref.h"
#include "server/application.h"

namespace fasterapi::bindings {

// How a handler's result becomes a body.
enum class response_kind : uint8_t { json, text, html, by_class };

// What running one route takes. Guarded by the GIL of the interpreter that made it; constant once it is added.
struct handler_entry {
  python::ref handler;
  python::ref plan_object;  // keeps `plan` alive
  const compiled_plan* plan = nullptr;
  std::vector<std::string> path_names;
  response_kind kind = response_kind::json;
  python::ref response_class;
  uint16_t status = 200;
  python::ref label;  // a str for the log: "GET /x (handler)"
  std::string methods;
  std::string path;
  std::string qualname;
};

struct routes_object {
  PyObject_HEAD server::application* application;  // owned
  std::vector<handler_entry>* handlers;            // owned; by route index
};

int add_routes(PyObject* module, module_state& state);

inline const server::application& application_of(const routes_object* routes) noexcept { return *routes->application; }
inline server::application& mutable_application_of(routes_object* routes) noexcept { return *routes->application; }
inline const handler_entry& entry_of(const routes_object* routes, uint32_t index) noexcept {
  return (*routes->handlers)[index];
}

// How many parameters one handler may have.
inline constexpr size_t parameters_max = 64;

}  // namespace fasterapi::bindings
