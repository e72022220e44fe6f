#include "fasterapi/python/gil.h"

namespace fasterapi::python {

thread_state::~thread_state() {
  PyEval_RestoreThread(thread_);
  PyThreadState_Clear(thread_);
  PyThreadState_DeleteCurrent();
}

}  // namespace fasterapi::python
