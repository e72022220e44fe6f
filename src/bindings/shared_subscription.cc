#include <atomic>
#include <utility>

#include "bindings/shared_named.h"
#include "bindings/shared_types.h"
#include "bindings/shared_value.h"
#include "shared/channel.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

struct subscription {
  PyObject_HEAD PyObject* channel;
  shared::channel::position at;
  bool is_open;
};

subscription& in(PyObject* self) noexcept { return *reinterpret_cast<subscription*>(self); }
shared::channel& channel_in(PyObject* self) noexcept { return channel_of(in(self).channel); }
const shared::region& region_in(PyObject* self) noexcept { return region_of_channel(in(self).channel); }

PyObject* subscription_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject* channel = nullptr;
  static const char* names[] = {"channel", nullptr};
  PyTypeObject* channel_type = state_of_type(type).shared_channel_type;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!:Subscription", const_cast<char**>(names), channel_type,
                                   &channel)) {
    return nullptr;
  }
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) return nullptr;
  in(made).channel = Py_NewRef(channel);
  gil_patience waiting;
  in(made).at = channel_in(made).subscribe(region_in(made), waiting);
  in(made).is_open = true;
  return made;
}

void end(PyObject* self) noexcept {
  if (std::atomic_ref(in(self).is_open).exchange(false)) channel_in(self).unsubscribe(region_in(self), in(self).at);
}

void subscription_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  if (in(self).channel != nullptr) end(self);
  Py_CLEAR(in(self).channel);
  type->tp_free(self);
  Py_DECREF(type);
}

PyDoc_STRVAR(get_doc,
             "_get($self, empty, wait_s, /)\n--\n\n"
             "The next message; empty where there is none within wait_s, or a part of it.");

PyObject* subscription_get(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "_get() takes 2 arguments (%zd given)", count);
  int64_t wait_ns = 0;
  if (!read_wait(args[1], wait_ns)) return nullptr;
  if (!std::atomic_ref(in(self).is_open).load()) {
    PyErr_SetString(PyExc_ValueError, "the subscription is closed");
    return nullptr;
  }
  core::byte_buffer bytes;
  bool done = false;
  const bool waited = try_and_wait(channel_in(self).message_came(), wait_ns, done, [&] {
    gil_patience waiting;
    return channel_in(self).read(region_in(self), in(self).at, bytes, waiting);
  });
  if (!waited) return nullptr;
  if (!done) return Py_NewRef(args[0]);
  return bytes.failed() ? PyErr_NoMemory() : unpack_plain(bytes.view());
}

PyObject* subscription_close(PyObject* self, PyObject*) {
  end(self);
  Py_RETURN_NONE;
}

PyObject* subscription_missed(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(std::atomic_ref(in(self).at.missed).load(std::memory_order_relaxed));
}

PyObject* subscription_closed(PyObject* self, void*) {
  return PyBool_FromLong(std::atomic_ref(in(self).is_open).load() ? 0 : 1);
}

PyObject* subscription_point(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(region_in(self).offset_of(&channel_in(self).message_came()));
}

PyMethodDef methods[] = {
    {"_get", as_method(subscription_get), METH_FASTCALL, get_doc},
    {"close", subscription_close, METH_NOARGS, "close($self, /)\n--\n\nEnd it; the channel forgets it."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"missed", subscription_missed, nullptr, "How many messages came and went unread.", nullptr},
    {"closed", subscription_closed, nullptr, "Whether it has ended.", nullptr},
    {"_message_came", subscription_point, nullptr, "Where to wait for a message.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What one subscriber of a channel has not read yet.")},
    {Py_tp_new, reinterpret_cast<void*>(subscription_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(subscription_dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedSubscription",
    sizeof(subscription),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_subscription(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
