#include "bindings/shared_memory.h"

#include "bindings/raise.h"
#include "bindings/shared_access.h"
#include "bindings/shared_types.h"
#include "shared/process_region.h"

namespace fasterapi::bindings {

namespace {

PyObject* descriptor(PyObject*, PyObject*) {
  const shared::region* region = shared_region();
  return region == nullptr ? nullptr : PyLong_FromLong(region->descriptor());
}

PyObject* adopt(PyObject*, PyObject* number) {
  const auto file = static_cast<int>(PyLong_AsLong(number));
  if (file == -1 && PyErr_Occurred() != nullptr) return nullptr;
  core::result<> adopted = shared::adopt_process_region(file);
  if (!adopted.ok()) return raise_error(adopted.failure());
  Py_RETURN_NONE;
}

PyObject* bound(PyObject*, PyObject* number) {
  const size_t max_bytes = PyLong_AsSize_t(number);
  if (max_bytes == static_cast<size_t>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  return PyBool_FromLong(shared::set_process_region_max_bytes(max_bytes) ? 1 : 0);
}

PyObject* usage(PyObject*, PyObject*) {
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const uint64_t used = region->header().pages.used(region->base()) * shared::page_table::page_bytes;
  return Py_BuildValue("KK", static_cast<unsigned long long>(used),
                       static_cast<unsigned long long>(region->header().max_bytes));
}

PyMethodDef functions[] = {
    {"shared_memory_descriptor", descriptor, METH_NOARGS,
     "The file of this process's shared memory, for handing it to a child process."},
    {"adopt_shared_memory", adopt, METH_O,
     "Use the shared memory of an inherited descriptor; before any is used in this process."},
    {"bound_shared_memory", bound, METH_O,
     "How many bytes shared memory may hold that is made here; False where it was made already."},
    {"shared_memory_usage", usage, METH_NOARGS, "(bytes handed out, bytes at most)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_shared_memory(PyObject* module, module_state& state) {
  for (const auto add : {add_shared_counter, add_shared_dict, add_shared_lock, add_shared_event, add_shared_queue,
                         add_shared_channel, add_shared_subscription, add_shared_bell}) {
    if (add(module, state) < 0) return -1;
  }
  return PyModule_AddFunctions(module, functions);
}

}  // namespace fasterapi::bindings
