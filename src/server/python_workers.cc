#include "server/python_workers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/byte_buffer.h"
#include "fasterapi/core/awaitable_future.h"
#include "fasterapi/core/coro_task.h"
#include "fasterapi/python/errc.h"
#include "json/writer.h"

namespace fasterapi::server {

namespace {

using python::destination;

// Interpreters end by themselves when the server does; what still runs in them then is interrupted.
constexpr int64_t shutdown_patience_ns = 5'000'000'000;

// Python that does what `python_path` and `init` ask for.
std::string init_code(const server_config& settings) {
  core::byte_buffer code;
  code.append("import sys\nsys.path[:0] = [");
  for (const std::string& entry : settings.python_path) {
    json::write_string(code, entry);  // a literal of Python too
    code.append(',');
  }
  code.append("]\n");
  const auto is_of_name = [](char letter) {
    return letter == '_' || letter == '.' || (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || static_cast<unsigned char>(letter) > 127;
  };
  const bool is_name = std::all_of(settings.init.begin(), settings.init.end(), is_of_name);
  if (is_name && !settings.init.empty()) code.append("import ");
  code.append(settings.init);
  code.append('\n');
  return std::string(code.view());
}

core::coro_task<response> run_pooled(std::shared_ptr<const python_route> route, python::SubinterpreterExecutor& workers,
                                     const request& of) {
  python::function_call call;
  call.module = route->handler().module;
  call.qualname = route->handler().function;
  response refusal;
  if (!route->read(of, call.keywords, refusal)) co_return refusal;
  python::submit_options how;
  how.where = destination::pool();
  core::future<python::value> calling = workers.submit(std::move(call), how);
  core::result<python::value> returned =
      co_await core::make_awaitable(std::move(calling), of.executor(), of.cancellation());
  co_return route->respond(std::move(returned));
}

}  // namespace

core::result<std::unique_ptr<python_workers>> python_workers::create(const server_config& settings, size_t count,
                                                                     handler_table& handlers) {
  std::unique_ptr<python_workers> made(new python_workers(count, handlers));
  auto started = python::runtime::start(settings.python_executable);
  if (started.ok()) {
    made->runtime_ = started.take();
  } else if (started.failure().code != core::errc::invalid_argument) {  // it is initialised already
    return started.take_failure();
  }
  python::SubinterpreterExecutor::Config plan;
  plan.num_pinned_workers = static_cast<uint32_t>(count);
  plan.num_pooled_workers = static_cast<uint32_t>(settings.num_pooled_workers);
  plan.num_pooled_interpreters = static_cast<uint32_t>(settings.num_pooled_interpreters);
  plan.pin_to_cores = settings.pin_to_cores;
  plan.work_stealing = false;
  plan.queue_size = settings.queue_size;
  plan.init.code = init_code(settings);
  made->executor_ = TRY(python::SubinterpreterExecutor::create(std::move(plan)));
  TRY(made->describe(handlers));
  return made;
}

python_workers::~python_workers() {
  // A function that would not end keeps its thread, and Python with it.
  if (executor_ && !executor_->shutdown(python::shutdown_mode::cancel, shutdown_patience_ns).ok()) {
    static_cast<void>(executor_.release());
    static_cast<void>(runtime_.release());
  }
}

core::result<> python_workers::describe(handler_table& handlers) {
  for (route_handler& each : handlers.handlers) {
    auto* route = std::get_if<python_route>(&each.run);
    if (route == nullptr) continue;
    const python_handler& handler = route->handler();
    const bool is_pooled = handler.run == python_run::pooled;
    if (is_pooled && executor_->positions() == count_) {
      return core::error{core::errc::invalid_argument,
                         handler.module + "." + handler.function + " is to run pooled, but there are no pooled workers",
                         {}};
    }
    python::keyword_parameters takes = TRY(parameters_of(handler));
    TRY(route->accept(std::move(takes), each.path_names));
    if (!is_pooled) continue;
    each.run = route_handler::coroutine([kept = std::make_shared<const python_route>(std::move(*route)),
                                         this](const request& of) { return run_pooled(kept, *executor_, of); });
  }
  return core::nothing{};
}

core::result<python::keyword_parameters> python_workers::parameters_of(const python_handler& handler) {
  const auto look = [&handler](const python::gil& held) -> core::result<python::keyword_parameters> {
    const python::keyword_function found = TRY(python::keyword_function::find(held, handler.module, handler.function));
    return found.parameters(held);
  };
  python::submit_options first;
  first.where = destination::position(0);
  auto seen = executor_->submit(look, first).get();
  if (!seen.ok() && seen.failure().code != python::errc::not_found) {
    seen.failure().message = handler.module + "." + handler.function + ": " + seen.failure().message;
  }
  return seen;
}

core::result<> python_workers::run(const std::function<void(size_t, python_side&)>& serve) {
  std::vector<core::future<>> loading;
  for (size_t i = 0; i < count_; ++i) {
    core::promise<> loaded;
    loading.push_back(loaded.get_future());
    python::submit_options there;
    there.where = destination::position(i);
    there.full = python::when_full::wait;  // there may be room for fewer than all workers' jobs at a time
    serving_.push_back(executor_->submit(
        [this, i, serve, loaded = std::move(loaded)](const python::gil& held) mutable {
          auto side = python_side::load(held, handlers_);
          if (!side.ok()) {
            loaded.set(side.take_failure());
            return;
          }
          const std::unique_ptr<python_side> functions = side.take();
          loaded.set(core::nothing{});
          const python::GILRelease away(held);
          serve(i, *functions);
        },
        there));
  }
  core::result<> all = core::nothing{};
  for (core::future<>& each : loading) {
    auto outcome = each.get();
    if (!outcome.ok() && all.ok()) all = outcome.take_failure();
  }
  return all;
}

void python_workers::join() {
  for (core::future<>& each : serving_) static_cast<void>(each.get());
  serving_.clear();
}

}  // namespace fasterapi::server
