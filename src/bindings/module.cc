#include <Python.h>

#include <array>
#include <cerrno>

#include "bindings/call_pool.h"
#include "bindings/encode.h"
#include "bindings/executor.h"
#include "bindings/exposure.h"
#include "bindings/future.h"
#include "bindings/handle.h"
#include "bindings/loop.h"
#include "bindings/module_state.h"
#include "bindings/pinned.h"
#include "bindings/plan.h"
#include "bindings/raise.h"
#include "bindings/request.h"
#include "bindings/request_task.h"
#include "bindings/routes.h"
#include "bindings/shared_memory.h"
#include "bindings/stats.h"
#include "core/cpus.h"
#include "core/malloc_arenas.h"
#include "core/thread.h"
#include "server/lifeline.h"

namespace fasterapi::bindings {

module_state& state_of(PyObject* module) noexcept { return *static_cast<module_state*>(PyModule_GetState(module)); }

module_state& state_of_type(PyTypeObject* type) noexcept {
  return state_of(PyType_GetModuleByDef(type, &module_definition));
}

namespace {

// The state's references that belong to no part of it.
std::array<PyObject**, 17> references_of(module_state& state) {
  return {reinterpret_cast<PyObject**>(&state.plan_type),
          reinterpret_cast<PyObject**>(&state.handle_type),
          reinterpret_cast<PyObject**>(&state.loop_type),
          reinterpret_cast<PyObject**>(&state.routes_type),
          reinterpret_cast<PyObject**>(&state.request_base_type),
          reinterpret_cast<PyObject**>(&state.request_task_type),
          reinterpret_cast<PyObject**>(&state.shared_channel_type),
          &state.request_class,
          &state.response_class,
          &state.handle_exception,
          &state.handle_status,
          &state.handle_validation_error,
          &state.log_timeout,
          &state.request_timeout,
          &state.status_code_name,
          &state.raw_headers_name,
          &state.body_name};
}

PyObject* bind_package(PyObject* module, PyObject* args) {
  module_state& state = state_of(module);
  PyObject *request_class, *response_class, *handle_exception, *handle_status, *handle_validation_error, *log_timeout,
      *request_timeout;
  if (!PyArg_ParseTuple(args, "O!O!OOOOO", &PyType_Type, &request_class, &PyType_Type, &response_class,
                        &handle_exception, &handle_status, &handle_validation_error, &log_timeout, &request_timeout)) {
    return nullptr;
  }
  Py_XSETREF(state.request_class, Py_NewRef(request_class));
  Py_XSETREF(state.response_class, Py_NewRef(response_class));
  Py_XSETREF(state.handle_exception, Py_NewRef(handle_exception));
  Py_XSETREF(state.handle_status, Py_NewRef(handle_status));
  Py_XSETREF(state.handle_validation_error, Py_NewRef(handle_validation_error));
  Py_XSETREF(state.log_timeout, Py_NewRef(log_timeout));
  Py_XSETREF(state.request_timeout, Py_NewRef(request_timeout));
  clear_asyncio(state.asyncio);
  if (load_asyncio(state.asyncio) != 0) return nullptr;
  Py_RETURN_NONE;
}

PyObject* usable_cpus(PyObject*, PyObject*) { return PyLong_FromLong(core::usable_cpus()); }

PyObject* limit_malloc_arenas(PyObject*, PyObject* args) {
  int most;
  if (!PyArg_ParseTuple(args, "i", &most)) return nullptr;
  core::limit_malloc_arenas(most);
  Py_RETURN_NONE;
}

PyObject* end_with_supervisor(PyObject*, PyObject* args) {
  int pipe;
  double patience_s;
  if (!PyArg_ParseTuple(args, "id", &pipe, &patience_s)) return nullptr;
  const auto watched = server::end_with_other_side(pipe, static_cast<int64_t>(patience_s * 1000));
  if (!watched.ok()) return raise_thread_shortage(watched.failure());
  Py_RETURN_NONE;
}

PyObject* thread_shortage(PyObject*, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  if (text == nullptr) return nullptr;
  return PyUnicode_FromString(core::thread::shortage(text, EAGAIN).message.c_str());
}

PyMethodDef functions[] = {
    {"bind_package", bind_package, METH_VARARGS,
     "Give the engine what it needs of Python: (Request, Response, handle_exception, handle_status, "
     "handle_validation_error, log_timeout, RequestTimeout)."},
    {"current_task", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(current_task)),
     METH_FASTCALL | METH_KEYWORDS, "asyncio.current_task(), also inside a request that has no Task yet."},
    {"end_with_supervisor", end_with_supervisor, METH_VARARGS,
     "End this process `patience_s` after the other end of a pipe is closed, whatever its threads do then."},
    {"limit_malloc_arenas", limit_malloc_arenas, METH_VARARGS,
     "Let threads of this process share that many arenas of malloc, unless its owner set a number."},
    {"thread_shortage", thread_shortage, METH_O, "Why there is no thread with that name, for people."},
    {"usable_cpus", usable_cpus, METH_NOARGS, "CPUs by affinity and cgroup quota, at least 1."},
    {nullptr, nullptr, 0, nullptr},
};

int execute(PyObject* module) {
  module_state& state = state_of(module);
  state.status_code_name = PyUnicode_InternFromString("status_code");
  state.raw_headers_name = PyUnicode_InternFromString("raw_headers");
  state.body_name = PyUnicode_InternFromString("body");
  if (state.status_code_name == nullptr || state.raw_headers_name == nullptr || state.body_name == nullptr) return -1;
  if (add_encode(module, state) < 0 || add_plan(module, state) < 0 || add_handle(module, state) < 0 ||
      add_loop(module, state) < 0 || add_routes(module, state) < 0 || add_request(module, state) < 0 ||
      add_request_task(module, state) < 0 || add_pinned(module, state) < 0 || add_call_pool(module, state) < 0 ||
      add_shared_memory(module, state) < 0 || add_future(module, state) < 0 || add_executor(module, state) < 0 ||
      add_stats(module, state) < 0 || add_exposure(module) < 0) {
    return -1;
  }
  return PyModule_AddStringConstant(module, "__version__", FASTERAPI_VERSION);
}

int traverse(PyObject* module, visitproc visit, void* arg) {
  module_state& state = state_of(module);
  for (PyObject** slot : references_of(state)) Py_VISIT(*slot);
  if (const int stop = traverse_asyncio(state.asyncio, visit, arg)) return stop;
  if (const int stop = traverse_executor(state.executor, visit, arg)) return stop;
  return traverse_encode(state.encode, visit, arg);
}

int clear(PyObject* module) {
  module_state& state = state_of(module);
  for (PyObject** slot : references_of(state)) Py_CLEAR(*slot);
  clear_asyncio(state.asyncio);
  clear_encode(state.encode);
  clear_executor(state.executor);
  return 0;
}

void release(void* module) {
  clear(static_cast<PyObject*>(module));
  free_encode(state_of(static_cast<PyObject*>(module)).encode);
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(execute)},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};

}  // namespace

PyModuleDef module_definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "fasterapi._engine",
    .m_doc = "The C++ engine: event loop, HTTP, validation, JSON.",
    .m_size = sizeof(module_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

}  // namespace fasterapi::bindings

PyMODINIT_FUNC PyInit__engine() { return PyModuleDef_Init(&fasterapi::bindings::module_definition); }
