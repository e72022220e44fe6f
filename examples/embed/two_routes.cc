// A server with a route in C++ and one in Python, on the port that is named, or any that is free.

#include <fasterapi/server/server.h>

#include <cstdlib>
#include <iostream>
#include <string>

using namespace fasterapi;

constexpr const char* source = R"(
import statistics

def summary(numbers):
    values = [float(number) for number in numbers.split(",")]
    return {"mean": statistics.fmean(values), "median": statistics.median(values)}
)";

server::response hello(const server::request& of) {
  return server::response::text("hello " + std::string(of.path_value("name")));
}

core::result<> run(uint16_t port) {
  const auto srv = TRY(server::server::create({.port = port, .init = source}));
  srv->get("/hello/{name}", hello);
  srv->get("/summary", server::python_handler{.module = "__main__", .function = "summary"});
  srv->get("/port", [&srv](const server::request&) { return server::response::json(std::to_string(srv->port())); });
  TRY(srv->start());
  std::cout << "listening on http://127.0.0.1:" << srv->port() << std::endl;
  return srv->wait_for_signal();
}

int main(int count, char** arguments) {
  const auto done = run(static_cast<uint16_t>(count > 1 ? std::atoi(arguments[1]) : 0));
  if (!done.ok()) std::cerr << done.failure().message << '\n' << done.failure().detail;
  return done.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
