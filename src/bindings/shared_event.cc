#include "shared/event.h"

#include "bindings/shared_named.h"
#include "bindings/shared_types.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using event = named<shared::event>;

PyObject* event_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject* name = nullptr;
  static const char* names[] = {"name", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:Event", const_cast<char**>(names), &name)) return nullptr;
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const shared::object_plan plan{shared::object_kind::event,
                                 {},
                                 sizeof(shared::event),
                                 [](void* memory, const void*) { new (memory) shared::event(); },
                                 nullptr};
  return event::open(type, name, plan, region);
}

PyObject* event_set(PyObject* self, PyObject*) {
  const event& in = event::in(self);
  in.object->set(*in.region);
  Py_RETURN_NONE;
}

PyObject* event_clear(PyObject* self, PyObject*) {
  event::in(self).object->clear();
  Py_RETURN_NONE;
}

PyObject* event_is_set(PyObject* self, PyObject*) { return PyBool_FromLong(event::in(self).object->is_set() ? 1 : 0); }

PyObject* event_wait(PyObject* self, PyObject* wait_s) {
  int64_t wait_ns = 0;
  if (!read_wait(wait_s, wait_ns)) return nullptr;
  shared::event& in = *event::in(self).object;
  bool done = false;
  if (!try_and_wait(in.happened(), wait_ns, done, [&] { return in.is_set(); })) return nullptr;
  return PyBool_FromLong(done ? 1 : 0);
}

PyObject* event_point(PyObject* self, void*) {
  const event& in = event::in(self);
  return PyLong_FromUnsignedLongLong(in.region->offset_of(&in.object->happened()));
}

PyMethodDef methods[] = {
    {"set", event_set, METH_NOARGS, "set($self, /)\n--\n\nIt has happened: everybody who waits goes on."},
    {"clear", event_clear, METH_NOARGS, "clear($self, /)\n--\n\nIt has not happened yet."},
    {"is_set", event_is_set, METH_NOARGS, "is_set($self, /)\n--\n\nWhether it has happened."},
    {"_wait", event_wait, METH_O, "_wait($self, wait_s, /)\n--\n\nWhether it happens within wait_s, or a part of it."},
    {"__reduce__", event::reduce, METH_NOARGS, "Pickled by name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", event::get_name, nullptr, "The name it is found by.", nullptr},
    {"_happened", event_point, nullptr, "Where to wait for it.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A moment that all interpreters and workers can wait for.")},
    {Py_tp_new, reinterpret_cast<void*>(event_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(event::dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedEvent",
    sizeof(event),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_event(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
