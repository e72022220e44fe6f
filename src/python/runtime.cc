#include "fasterapi/python/runtime.h"

#include <Python.h>

#include <string>

#include "fasterapi/python/errc.h"

namespace fasterapi::python {

struct runtime::detached {
  PyThreadState* thread;
};

core::result<std::unique_ptr<runtime>> runtime::start(const std::string& executable) {
  if (Py_IsInitialized() != 0) {
    return core::error{core::errc::invalid_argument, "Python is initialised already: there is nothing to start"};
  }
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.install_signal_handlers = 0;
  config.parse_argv = 0;
  PyStatus status = PyStatus_Ok();
  if (!executable.empty()) status = PyConfig_SetBytesString(&config, &config.executable, executable.c_str());
  if (PyStatus_Exception(status) == 0) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status) != 0) {
    return core::error{errc::interpreter_failed, std::string("Python did not start: ") +
                                                     (status.err_msg != nullptr ? status.err_msg : "unknown reason")};
  }
  std::unique_ptr<runtime> made(new runtime);
  made->main_ = std::make_unique<detached>(detached{PyEval_SaveThread()});
  return made;
}

runtime::~runtime() {
  PyEval_RestoreThread(main_->thread);
  Py_FinalizeEx();
}

}  // namespace fasterapi::python
