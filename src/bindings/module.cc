#include <Python.h>

#include "bindings/encode.h"
#include "bindings/module_state.h"
#include "bindings/plan.h"

namespace fasterapi::bindings {

module_state& state_of(PyObject* module) noexcept { return *static_cast<module_state*>(PyModule_GetState(module)); }

module_state& state_of_type(PyTypeObject* type) noexcept {
  return state_of(PyType_GetModuleByDef(type, &module_definition));
}

namespace {

int execute(PyObject* module) {
  module_state& state = state_of(module);
  if (add_encode(module, state) < 0 || add_plan(module, state) < 0) return -1;
  return PyModule_AddStringConstant(module, "__version__", FASTERAPI_VERSION);
}

int traverse(PyObject* module, visitproc visit, void* arg) {
  module_state& state = state_of(module);
  Py_VISIT(state.plan_type);
  return traverse_encode(state.encode, visit, arg);
}

int clear(PyObject* module) {
  module_state& state = state_of(module);
  Py_CLEAR(state.plan_type);
  clear_encode(state.encode);
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
    .m_methods = nullptr,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

}  // namespace fasterapi::bindings

PyMODINIT_FUNC PyInit__engine() { return PyModuleDef_Init(&fasterapi::bindings::module_definition); }
