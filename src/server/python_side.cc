#include "server/python_side.h"

#include <utility>

namespace fasterapi::server {

core::result<std::unique_ptr<python_side>> python_side::load(const python::gil& held, const handler_table& handlers) {
  std::unique_ptr<python_side> made(new python_side(held.thread()));
  for (const route_handler& each : handlers.handlers) {
    auto& function = made->functions_.emplace_back();
    const auto* route = std::get_if<python_route>(&each.run);
    if (route == nullptr || route->handler().run != python_run::inline_) continue;
    function.emplace(TRY(python::keyword_function::find(held, route->handler().module, route->handler().function)));
  }
  return made;
}

core::result<response> python_side::call(size_t route, const python_route& by, const request& of) {
  python_route::arguments arguments;
  response refusal;
  if (!by.read(of, arguments, refusal)) return refusal;
  const auto call = [&] {
    const python::GILGuard inside(place_);
    return functions_[route]->call(inside, arguments);
  };
  return by.respond(call());
}

}  // namespace fasterapi::server
