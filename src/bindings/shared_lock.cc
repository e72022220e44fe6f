#include <optional>

#include "bindings/shared_named.h"
#include "bindings/shared_types.h"
#include "shared/mutex.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using lock = named<shared::mutex>;
using outcome = shared::mutex::outcome;

PyObject* lock_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject* name = nullptr;
  static const char* names[] = {"name", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:Lock", const_cast<char**>(names), &name)) return nullptr;
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const shared::object_plan plan{shared::object_kind::lock,
                                 {},
                                 sizeof(shared::mutex),
                                 [](void* memory, const void*) { new (memory) shared::mutex(); },
                                 nullptr};
  return lock::open(type, name, plan, region);
}

PyDoc_STRVAR(acquire_doc,
             "_acquire($self, holder, wait_s, /)\n--\n\n"
             "True: taken; False: not within wait_s, or a part of it; None: taken from a process that died.\n"
             "RuntimeError where that holder has it already.");

PyObject* lock_acquire(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "_acquire() takes 2 arguments (%zd given)", count);
  const unsigned long long holder = PyLong_AsUnsignedLongLongMask(args[0]);
  int64_t wait_ns = 0;
  if (PyErr_Occurred() != nullptr || !read_wait(args[1], wait_ns)) return nullptr;
  const lock& in = lock::in(self);
  outcome how = outcome::busy;
  bool done = false;
  const bool waited = try_and_wait(in.object->freed(), wait_ns, done, [&] {
    how = in.object->try_acquire(*in.region, holder);
    return how != outcome::busy;
  });
  if (!waited) return nullptr;
  if (how == outcome::deadlock) {
    PyErr_Format(PyExc_RuntimeError, "Lock %R is held by this very thread or task already: it would wait for itself",
                 in.name);
    return nullptr;
  }
  if (how == outcome::recovered) Py_RETURN_NONE;
  return PyBool_FromLong(how == outcome::taken ? 1 : 0);
}

PyObject* lock_release(PyObject* self, PyObject*) {
  const lock& in = lock::in(self);
  if (in.object->release(*in.region)) Py_RETURN_NONE;
  PyErr_Format(PyExc_RuntimeError, "Lock %R is not held by this process", in.name);
  return nullptr;
}

PyObject* lock_locked(PyObject* self, PyObject*) {
  const lock& in = lock::in(self);
  return PyBool_FromLong(in.object->is_held(*in.region) ? 1 : 0);
}

PyObject* lock_point(PyObject* self, void*) {
  const lock& in = lock::in(self);
  return PyLong_FromUnsignedLongLong(in.region->offset_of(&in.object->freed()));
}

PyMethodDef methods[] = {
    {"_acquire", as_method(lock_acquire), METH_FASTCALL, acquire_doc},
    {"release", lock_release, METH_NOARGS,
     "release($self, /)\n--\n\nLet the next one have it. RuntimeError where this process does not hold it."},
    {"locked", lock_locked, METH_NOARGS, "locked($self, /)\n--\n\nWhether somebody living holds it."},
    {"__reduce__", lock::reduce, METH_NOARGS, "Pickled by name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", lock::get_name, nullptr, "The name it is found by.", nullptr},
    {"_freed", lock_point, nullptr, "Where to wait for its release.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A lock that all interpreters and workers share.")},
    {Py_tp_new, reinterpret_cast<void*>(lock_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(lock::dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedLock",
    sizeof(lock),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_lock(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
