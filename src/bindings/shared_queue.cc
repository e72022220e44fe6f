#include "shared/queue.h"

#include "bindings/shared_named.h"
#include "bindings/shared_types.h"
#include "bindings/shared_value.h"

namespace fasterapi::bindings {

namespace {

using python::parcel;
using python::ref;
using queue = named<shared::queue>;
using outcome = shared::queue::outcome;

PyObject* queue_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject* name = nullptr;
  long long max_items = 0, max_bytes = 16 << 20;
  static const char* names[] = {"name", "max_items", "max_bytes", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "OL|L:Queue", const_cast<char**>(names), &name, &max_items,
                                   &max_bytes)) {
    return nullptr;
  }
  if (max_items < 1 || max_bytes < 1) {
    PyErr_SetString(PyExc_ValueError, "max_items and max_bytes must be at least 1");
    return nullptr;
  }
  const shared::queue_options options{static_cast<uint64_t>(max_items), static_cast<uint64_t>(max_bytes)};
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const shared::object_plan plan{shared::object_kind::queue,
                                 {options.max_items, options.max_bytes},
                                 sizeof(shared::queue),
                                 [](void* memory, const void* context) {
                                   new (memory) shared::queue(*static_cast<const shared::queue_options*>(context));
                                 },
                                 &options};
  return queue::open(type, name, plan, region);
}

PyDoc_STRVAR(put_doc,
             "_put($self, item, wait_s, /)\n--\n\n"
             "Whether there is room for it within wait_s, or a part of it. ValueError where there never is.");

PyObject* queue_put(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "_put() takes 2 arguments (%zd given)", count);
  int64_t wait_ns = 0;
  parcel packed;
  if (!read_wait(args[1], wait_ns) || !pack_plain(args[0], packed)) return nullptr;
  const queue& in = queue::in(self);
  outcome how = outcome::no_room;
  bool done = false;
  const bool waited = try_and_wait(in.object->item_left(), wait_ns, done, [&] {
    gil_patience waiting;
    how = in.object->put(*in.region, packed.bytes(), waiting);
    return how != outcome::no_room;
  });
  if (!waited) return nullptr;
  if (how == outcome::full) return raise_shared_full(*in.region);
  if (how == outcome::too_large) {
    return PyErr_Format(PyExc_ValueError, "an item of %zu bytes is larger than Queue %R may ever hold", packed.size(),
                        in.name);
  }
  return PyBool_FromLong(how == outcome::done ? 1 : 0);
}

PyDoc_STRVAR(get_doc,
             "_get($self, empty, wait_s, /)\n--\n\n"
             "The first item; empty where there is none within wait_s, or a part of it.");

PyObject* queue_get(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "_get() takes 2 arguments (%zd given)", count);
  int64_t wait_ns = 0;
  if (!read_wait(args[1], wait_ns)) return nullptr;
  const queue& in = queue::in(self);
  core::byte_buffer bytes;
  bool done = false;
  const bool waited = try_and_wait(in.object->item_came(), wait_ns, done, [&] {
    gil_patience waiting;
    return in.object->get(*in.region, bytes, waiting);
  });
  if (!waited) return nullptr;
  if (!done) return Py_NewRef(args[0]);
  return bytes.failed() ? PyErr_NoMemory() : unpack_plain(bytes.view());
}

PyObject* queue_size(PyObject* self, PyObject*) {
  const queue& in = queue::in(self);
  gil_patience waiting;
  return PyLong_FromUnsignedLongLong(in.object->size(*in.region, waiting));
}

PyObject* queue_came(PyObject* self, void*) {
  const queue& in = queue::in(self);
  return PyLong_FromUnsignedLongLong(in.region->offset_of(&in.object->item_came()));
}

PyObject* queue_left(PyObject* self, void*) {
  const queue& in = queue::in(self);
  return PyLong_FromUnsignedLongLong(in.region->offset_of(&in.object->item_left()));
}

PyObject* queue_max_items(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(queue::in(self).object->options().max_items);
}

PyObject* queue_reduce(PyObject* self, PyObject*) {
  const queue& in = queue::in(self);
  const shared::queue_options& options = in.object->options();
  return Py_BuildValue("O(OKK)", Py_TYPE(self), in.name, static_cast<unsigned long long>(options.max_items),
                       static_cast<unsigned long long>(options.max_bytes));
}

PyMethodDef methods[] = {
    {"_put", as_method(queue_put), METH_FASTCALL, put_doc},
    {"_get", as_method(queue_get), METH_FASTCALL, get_doc},
    {"qsize", queue_size, METH_NOARGS, "qsize($self, /)\n--\n\nHow many items there are now."},
    {"__reduce__", queue_reduce, METH_NOARGS, "Pickled by name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", queue::get_name, nullptr, "The name it is found by.", nullptr},
    {"maxsize", queue_max_items, nullptr, "How many items it may hold.", nullptr},
    {"_item_came", queue_came, nullptr, "Where to wait for an item.", nullptr},
    {"_item_left", queue_left, nullptr, "Where to wait for room.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A queue that all interpreters and workers share.")},
    {Py_tp_new, reinterpret_cast<void*>(queue_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(queue::dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedQueue",
    sizeof(queue),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_queue(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
