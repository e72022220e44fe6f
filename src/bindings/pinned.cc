#include "bindings/pinned.h"

#include <memory>
#include <new>
#include <utility>

#include "bindings/loop.h"
#include "bindings/pinned_worker.h"
#include "bindings/serving.h"
#include "bindings/worker_pool.h"
#include "core/cpus.h"
#include "fasterapi/python/ref.h"
#include "python/module_path.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

// ---- the Python type

struct pinned_workers {
  PyObject_HEAD worker_pool* pool;  // owned; null once closed
};

pinned_workers* self_of(PyObject* object) noexcept { return reinterpret_cast<pinned_workers*>(object); }

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"count", "python_path", "in_main", nullptr};
  int count;
  PyObject* path;
  int in_main = 0;
  std::vector<std::string> python_path;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "iO!|$p", const_cast<char**>(names), &count, &PyList_Type, &path,
                                   &in_main) ||
      !python::read_module_path(path, python_path)) {
    return nullptr;
  }
  if (count < 1) return PyErr_Format(PyExc_ValueError, "there must be at least 1 worker, not %d", count);
  ref made = ref::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  self_of(made.get())->pool = new (std::nothrow)
      worker_pool(in_main != 0 ? worker_home::main_interpreter : worker_home::own_interpreters, std::move(python_path));
  if (self_of(made.get())->pool == nullptr) return PyErr_NoMemory();
  self_of(made.get())->pool->resize(static_cast<size_t>(count));
  return made.release();
}

void drop_pool(pinned_workers* self) {
  worker_pool* pool = std::exchange(self->pool, nullptr);
  if (pool == nullptr) return;
  // Workers need the main interpreter's GIL to end.
  Py_BEGIN_ALLOW_THREADS delete pool;
  Py_END_ALLOW_THREADS
}

PyObject* close(PyObject* object, PyObject*) {
  drop_pool(self_of(object));
  Py_RETURN_NONE;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  drop_pool(self_of(object));
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* serve(PyObject* object, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"count",      "pin_to_cores", "grace_period_s", "config",
                                "on_ready",   "on_event",     "pooled_workers", "pooled_interpreters",
                                "queue_size", "log_moves",    "log_as_json",    nullptr};
  int count;
  int pin;
  double grace_s;
  const char* config;
  PyObject *on_ready, *on_event;
  Py_ssize_t pooled, interpreters, queue_size;
  int log_moves, log_as_json;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "$ipdsOOnnnpp", const_cast<char**>(names), &count, &pin, &grace_s,
                                   &config, &on_ready, &on_event, &pooled, &interpreters, &queue_size, &log_moves,
                                   &log_as_json)) {
    return nullptr;
  }
  if (count < 1) return PyErr_Format(PyExc_ValueError, "there must be at least 1 worker, not %d", count);
  if (pooled > 0 && (interpreters < 1 || interpreters > pooled)) {
    return PyErr_Format(PyExc_ValueError, "%zd pooled workers cannot share %zd interpreters", pooled, interpreters);
  }
  std::unique_ptr<worker_pool> workers(std::exchange(self_of(object)->pool, nullptr));
  if (workers == nullptr) return PyErr_Format(PyExc_RuntimeError, "these workers were closed");
  serving_plan plan;
  plan.count = static_cast<size_t>(count);
  if (pin != 0) plan.cpus = core::allowed_cpus();
  plan.grace_ms = static_cast<int64_t>(grace_s * 1000);
  plan.config = config;
  plan.pool.threads = static_cast<size_t>(pooled);
  plan.pool.interpreters = static_cast<size_t>(interpreters);
  plan.pool.first_index = plan.count;
  plan.pool.finish_ms = plan.grace_ms + serving::end_margin_ms;
  plan.pool.queue_size = static_cast<size_t>(queue_size);
  plan.pool.log_moves = log_moves != 0;
  plan.pool.log_as_json = log_as_json != 0;
  plan.pool.config = config;
  if (workers->replaceable()) plan.make_workers = [path = workers->python_path()] { return worker_pool::fresh(path); };
  int status;
  {
    serving run(std::move(workers), std::move(plan), on_ready, on_event);
    status = run.run();
  }
  return PyErr_Occurred() != nullptr ? nullptr : PyLong_FromLong(status);
}

PyMethodDef methods[] = {
    {"serve", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(serve)), METH_VARARGS | METH_KEYWORDS,
     "Serve until stopped; returns the exit status."},
    {"close", close, METH_NOARGS, "End the workers that were not put to use."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("Worker threads, in own-GIL interpreters or all in the main one, that prepare from now on.")},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.PinnedWorkers",
    .basicsize = sizeof(pinned_workers),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

// ---- what workers tell of themselves

PyObject* announce_worker(PyObject* module, PyObject* args) {
  PyObject *slot, *loop;
  const char* routes;
  if (!PyArg_ParseTuple(args, "OO!s", &slot, state_of(module).loop_type, &loop, &routes)) return nullptr;
  auto* announced = static_cast<pinned_worker*>(PyCapsule_GetPointer(slot, worker_capsule));
  if (announced == nullptr) return nullptr;
  loop_core& core = *reinterpret_cast<loop_object*>(loop)->core;
  core.worker.store(announced, std::memory_order_release);
  announced->announce(*core.shard, routes);
  Py_RETURN_NONE;
}

PyObject* retire_worker(PyObject*, PyObject* slot) {
  auto* retired = static_cast<pinned_worker*>(PyCapsule_GetPointer(slot, worker_capsule));
  if (retired == nullptr) return nullptr;
  retired->retire();
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"announce_worker", announce_worker, METH_VARARGS, "A worker serves from now on: (slot, loop, routes as JSON)."},
    {"retire_worker", retire_worker, METH_O, "A worker's loop is about to be closed: (slot)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_pinned(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (!type || PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) < 0) return -1;
  return PyModule_AddFunctions(module, functions);
}

}  // namespace fasterapi::bindings
