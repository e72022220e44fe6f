#pragma once

#include <memory>
#include <string>

#include "fasterapi/core/result.h"

namespace fasterapi::python {

// Python in a C++ program: initialised while this lives. After start() no thread is attached, and the main
// interpreter's GIL is free, as executors need it: attach with GILGuard.
//
// Owner: the thread that started it, which destroys it too, after every executor has ended. Where Python was
// initialised by somebody else, nobody needs this.
class runtime {
 public:
  // errc::interpreter_failed where Python does not start: the message says why.
  // `executable` names the Python whose packages are meant, such as that of a virtual environment
  // (".venv/bin/python"); empty: the one that a shell would find.
  static core::result<std::unique_ptr<runtime>> start(const std::string& executable = {});
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

 private:
  runtime() = default;

  struct detached;
  std::unique_ptr<detached> main_;
};

}  // namespace fasterapi::python
