#pragma once

#include <Python.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bindings/completion_port.h"
#include "bindings/remote_call.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::python {
class crew;
}

namespace fasterapi::bindings {

// What an interpreter that submits calls to executors keeps for all of them. Guarded by its GIL.
class executor_side {
 public:
  executor_side() : port_(new completion_port) {}
  ~executor_side();
  executor_side(const executor_side&) = delete;
  executor_side& operator=(const executor_side&) = delete;

  // How workers find a function. `describe` is fasterapi._functions.describe; null with a Python error set.
  std::shared_ptr<const function_description> description(PyObject* function, PyObject* describe) noexcept;

  completion_port& port() noexcept { return *port_; }
  // The future of a call is to be told of its end, and lives until then.
  void watch(remote_call& call, PyObject* future);
  // The future that watches a call, a new reference, for the last time; none if nobody does.
  python::ref unwatch(remote_call& call) noexcept;

  // Remembers a crew, to end it with the interpreter.
  void enlist(std::weak_ptr<python::crew> made);
  std::vector<std::shared_ptr<python::crew>> crews() const;

  bool is_closed = false;          // the interpreter ends: nothing is submitted any more
  bool tells_completions = false;  // the thread for completions has been started

 private:
  struct known_function {
    python::ref function;
    python::ref guards;  // a tuple of (dict, name, value) or (cell, None, value), one after the other
    std::shared_ptr<const function_description> description;
  };

  static constexpr size_t functions_max = 256;

  std::unordered_map<PyObject*, known_function> functions_;
  std::unordered_map<remote_call*, python::ref> watched_;
  std::vector<std::weak_ptr<python::crew>> crews_;
  completion_port* port_;
};

}  // namespace fasterapi::bindings
