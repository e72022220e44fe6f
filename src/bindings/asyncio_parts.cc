#include "bindings/asyncio_parts.h"

#include <array>

#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

std::array<PyObject**, 14> slots_of(asyncio_parts& parts) {
  return {reinterpret_cast<PyObject**>(&parts.future_type),
          reinterpret_cast<PyObject**>(&parts.task_type),
          &parts.cancelled_error,
          &parts.current_task,
          &parts.enter_task,
          &parts.leave_task,
          &parts.get_running_loop,
          &parts.set_running_loop,
          &parts.blocking_name,
          &parts.add_done_callback_name,
          &parts.throw_name,
          &parts.cancel_name,
          &parts.result_name,
          &parts.context_keywords};
}

}  // namespace

int load_asyncio(asyncio_parts& parts) {
  const ref tasks = ref::steal(PyImport_ImportModule("asyncio.tasks"));
  const ref futures = ref::steal(PyImport_ImportModule("asyncio.futures"));
  const ref events = ref::steal(PyImport_ImportModule("asyncio.events"));
  const ref exceptions = ref::steal(PyImport_ImportModule("asyncio.exceptions"));
  if (!tasks || !futures || !events || !exceptions) return -1;
  const auto take = [](PyObject* module, const char* name) { return PyObject_GetAttrString(module, name); };
  parts.future_type = reinterpret_cast<PyTypeObject*>(take(futures.get(), "Future"));
  parts.task_type = reinterpret_cast<PyTypeObject*>(take(tasks.get(), "Task"));
  parts.cancelled_error = take(exceptions.get(), "CancelledError");
  parts.current_task = take(tasks.get(), "current_task");
  parts.enter_task = take(tasks.get(), "_enter_task");
  parts.leave_task = take(tasks.get(), "_leave_task");
  parts.get_running_loop = take(events.get(), "_get_running_loop");
  parts.set_running_loop = take(events.get(), "_set_running_loop");
  parts.blocking_name = PyUnicode_InternFromString("_asyncio_future_blocking");
  parts.add_done_callback_name = PyUnicode_InternFromString("add_done_callback");
  parts.throw_name = PyUnicode_InternFromString("throw");
  parts.cancel_name = PyUnicode_InternFromString("cancel");
  parts.result_name = PyUnicode_InternFromString("result");
  parts.context_keywords = Py_BuildValue("(s)", "context");
  for (PyObject** slot : slots_of(parts)) {
    if (*slot == nullptr) return -1;
  }
  return 0;
}

int traverse_asyncio(asyncio_parts& parts, visitproc visit, void* arg) {
  for (PyObject** slot : slots_of(parts)) Py_VISIT(*slot);
  return 0;
}

void clear_asyncio(asyncio_parts& parts) {
  for (PyObject** slot : slots_of(parts)) Py_CLEAR(*slot);
}

}  // namespace fasterapi::bindings
