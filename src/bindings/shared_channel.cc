#include "shared/channel.h"

#include "bindings/shared_named.h"
#include "bindings/shared_types.h"
#include "bindings/shared_value.h"

namespace fasterapi::bindings {

namespace {

using python::parcel;
using python::ref;
using channel = named<shared::channel>;
using outcome = shared::channel::outcome;

constexpr long long most_messages = 1 << 20;

PyObject* channel_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject* name = nullptr;
  long long max_messages = 1024, max_bytes = 16 << 20;
  static const char* names[] = {"name", "max_messages", "max_bytes", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|LL:Channel", const_cast<char**>(names), &name, &max_messages,
                                   &max_bytes)) {
    return nullptr;
  }
  if (max_messages < 1 || max_messages > most_messages || max_bytes < 1) {
    PyErr_Format(PyExc_ValueError, "max_messages must be 1 to %lld, max_bytes at least 1", most_messages);
    return nullptr;
  }
  const shared::channel_options options{static_cast<uint64_t>(max_messages), static_cast<uint64_t>(max_bytes)};
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const shared::object_plan plan{shared::object_kind::channel,
                                 {options.max_messages, options.max_bytes},
                                 shared::channel::bytes(options),
                                 [](void* memory, const void* context) {
                                   new (memory) shared::channel(*static_cast<const shared::channel_options*>(context));
                                 },
                                 &options};
  return channel::open(type, name, plan, region);
}

PyDoc_STRVAR(publish_doc,
             "publish($self, value, /)\n--\n\n"
             "Send a plain value to everybody who has subscribed; returns how many that are. Never waits for them.");

PyObject* channel_publish(PyObject* self, PyObject* value) {
  parcel packed;
  if (!pack_plain(value, packed)) return nullptr;
  const channel& in = channel::in(self);
  gil_patience waiting;
  uint64_t subscribers = 0;
  const outcome how = in.object->publish(*in.region, packed.bytes(), subscribers, waiting);
  if (how == outcome::full) return raise_shared_full(*in.region);
  if (how == outcome::too_large) {
    return PyErr_Format(PyExc_ValueError, "a message of %zu bytes is larger than all that Channel %R may keep",
                        packed.size(), in.name);
  }
  return PyLong_FromUnsignedLongLong(subscribers);
}

PyObject* channel_subscribers(PyObject* self, void*) {
  const channel& in = channel::in(self);
  return PyLong_FromUnsignedLongLong(in.object->subscribers(*in.region));
}

PyObject* channel_reduce(PyObject* self, PyObject*) {
  const channel& in = channel::in(self);
  const shared::channel_options& options = in.object->options();
  return Py_BuildValue("O(OKK)", Py_TYPE(self), in.name, static_cast<unsigned long long>(options.max_messages),
                       static_cast<unsigned long long>(options.max_bytes));
}

PyMethodDef methods[] = {
    {"publish", channel_publish, METH_O, publish_doc},
    {"__reduce__", channel_reduce, METH_NOARGS, "Pickled by name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", channel::get_name, nullptr, "The name it is found by.", nullptr},
    {"subscribers", channel_subscribers, nullptr, "How many have subscribed.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Messages to all who subscribe, in all interpreters and workers.")},
    {Py_tp_new, reinterpret_cast<void*>(channel_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(channel::dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedChannel",
    sizeof(channel),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_channel(PyObject* module, module_state& state) {
  state.shared_channel_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return state.shared_channel_type == nullptr ? -1 : PyModule_AddType(module, state.shared_channel_type);
}

const shared::region& region_of_channel(PyObject* channel_object) noexcept {
  return *channel::in(channel_object).region;
}

shared::channel& channel_of(PyObject* channel_object) noexcept { return *channel::in(channel_object).object; }

}  // namespace fasterapi::bindings
