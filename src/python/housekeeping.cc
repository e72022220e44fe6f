#include "python/housekeeping.h"

#include "fasterapi/python/ref.h"

namespace fasterapi::python {

namespace {

// The names that a piece of Python leaves behind; none where it failed, which is told to sys.unraisablehook.
ref run(const char* code) {
  ref names = ref::steal(PyDict_New());
  const ref ran = ref::steal(names ? PyRun_String(code, Py_file_input, names.get(), names.get()) : nullptr);
  if (ran) return names;
  PyErr_WriteUnraisable(nullptr);
  return {};
}

// Deletes the states of threads that never were.
void drop_unstarted() noexcept {
  PyThreadState* each = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  while (each != nullptr) {
    PyThreadState* const next = PyThreadState_Next(each);
    if (each->_status.cleared != 0 && each->_status.bound == 0) PyThreadState_Delete(each);
    each = next;
  }
}

}  // namespace

void give_back_import_locks(const gil&) {
  run(R"(
import _imp, _thread, sys
try:
    while True:
        _imp.release_lock()
except RuntimeError:
    pass
machinery = sys.modules['_frozen_importlib']
here = _thread.get_ident()
waits_for = machinery._blocking_on.get(here)
if waits_for:
    waits_for.clear()
for known in list(machinery._module_locks.values()):
    lock = known()
    while getattr(lock, 'owner', None) == here:
        lock.release()
)");
}

bool settle_threads(const gil&) {
  drop_unstarted();
  const ref names = run(R"(
import sys
safe = True
threading = sys.modules.get('threading')
if threading is not None:
    if hasattr(threading._thread_local_info, '_track_dummy_thread_ref'):
        del threading._thread_local_info._track_dummy_thread_ref
    here = threading.get_ident()
    others = [t for t in threading.enumerate() if t.ident != here and not isinstance(t, threading._DummyThread)]
    safe = not any(t.daemon for t in others)
)");
  return !names || PyDict_GetItemString(names.get(), "safe") == Py_True;
}

}  // namespace fasterapi::python
