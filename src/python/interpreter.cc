#include "fasterapi/python/interpreter.h"

#include <cassert>
#include <mutex>
#include <string>
#include <utility>

#include "fasterapi/python/errc.h"

namespace fasterapi::python {

namespace {
// Making and ending interpreters touches state that CPython shares among all of them.
std::mutex lifecycle_mutex;
}  // namespace

core::result<interpreter> interpreter::create() {
  const std::lock_guard lock(lifecycle_mutex);
  PyThreadState* boot = PyThreadState_New(PyInterpreterState_Main());
  PyEval_RestoreThread(boot);
  PyInterpreterConfig config{};
  config.use_main_obmalloc = 0;
  config.allow_fork = 0;
  config.allow_exec = 0;
  config.allow_threads = 1;
  config.allow_daemon_threads = 1;
  config.check_multi_interp_extensions = 1;
  config.gil = PyInterpreterConfig_OWN_GIL;
  PyThreadState* made = nullptr;
  const PyStatus status = Py_NewInterpreterFromConfig(&made, &config);
  if (made != nullptr) PyEval_SaveThread();
  // The boot state was detached by the creation if that succeeded, and is attached still if it did not.
  if (made != nullptr) PyEval_RestoreThread(boot);
  PyThreadState_Clear(boot);
  PyThreadState_DeleteCurrent();
  if (made == nullptr) {
    return core::error{errc::interpreter_failed,
                       std::string("an interpreter could not be made: ") +
                           (status.err_msg != nullptr ? status.err_msg : "unknown reason"),
                       {}};
  }
  PyEval_RestoreThread(made);
  return interpreter(made, PyInterpreterState_GetID(PyThreadState_GetInterpreter(made)));
}

interpreter::interpreter(interpreter&& other) noexcept
    : thread_(std::exchange(other.thread_, nullptr)), id_(other.id_) {}

interpreter::~interpreter() { assert(thread_ == nullptr); }

void interpreter::end() noexcept {
  assert(PyThreadState_Get() == thread_);
  // Ending joins threads without limit, so the lock is not held meanwhile: CPython serialises what it has to.
  Py_EndInterpreter(std::exchange(thread_, nullptr));
}

void interpreter::abandon() noexcept {
  assert(PyThreadState_Get() == thread_);
  thread_ = nullptr;
  PyEval_SaveThread();
}

}  // namespace fasterapi::python
