#include "bindings/handle.h"

#include <structmember.h>

#include <utility>

#include "bindings/loop.h"
#include "fasterapi/python/ref.h"
#include "python/critical_section.h"
#include "python/entered_context.h"

namespace fasterapi::bindings {

namespace {

using python::critical_section;
using python::ref;

handle_object* self_of(PyObject* object) noexcept { return reinterpret_cast<handle_object*>(object); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  handle_object* self = self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->callback);
  Py_VISIT(self->args);
  Py_VISIT(self->context);
  Py_VISIT(reinterpret_cast<PyObject*>(self->loop));
  return 0;
}

int clear(PyObject* object) {
  handle_object* self = self_of(object);
  Py_CLEAR(self->callback);
  Py_CLEAR(self->args);
  Py_CLEAR(self->context);
  Py_CLEAR(self->loop);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  PyObject_GC_Del(object);
  Py_DECREF(type);
}

PyObject* cancel(PyObject* object, PyObject*) {
  handle_object* self = self_of(object);
  ref callback, args;  // dropped when the handle is whole again
  {
    const critical_section alone(object);
    if (!self->cancelled) {
      self->cancelled = true;
      callback = ref::steal(std::exchange(self->callback, nullptr));
      args = ref::steal(std::exchange(self->args, nullptr));
      if (self->scheduled) note_cancelled_timer(self->loop);
    }
  }
  Py_RETURN_NONE;
}

// `_callback` and `_args`, which cancelling drops.
template <PyObject* handle_object::*Part>
PyObject* get_part(PyObject* object, void*) {
  const critical_section alone(object);
  PyObject* part = self_of(object)->*Part;
  return Py_NewRef(part != nullptr ? part : Py_None);
}

PyObject* cancelled(PyObject* object, PyObject*) { return PyBool_FromLong(self_of(object)->cancelled); }
PyObject* when(PyObject* object, PyObject*) { return PyFloat_FromDouble(self_of(object)->when); }
PyObject* get_context(PyObject* object, PyObject*) { return Py_NewRef(self_of(object)->context); }

PyObject* run(PyObject* object, PyObject*) {
  if (!run_handle(self_of(object))) return nullptr;
  Py_RETURN_NONE;
}

PyObject* represent(PyObject* object) {
  const ref callback = ref::steal(get_part<&handle_object::callback>(object, nullptr));
  if (self_of(object)->cancelled) return PyUnicode_FromString("<Handle cancelled>");
  return PyUnicode_FromFormat(self_of(object)->when == 0 ? "<Handle %R>" : "<TimerHandle %R>", callback.get());
}

PyMethodDef methods[] = {
    {"cancel", cancel, METH_NOARGS, "Do not run the callback."},
    {"cancelled", cancelled, METH_NOARGS, "Whether cancel() was called."},
    {"when", when, METH_NOARGS, "When the callback is due, in seconds of loop.time()."},
    {"get_context", get_context, METH_NOARGS, "The context that the callback runs in."},
    {"_run", run, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"_callback", get_part<&handle_object::callback>, nullptr, nullptr, nullptr},
    {"_args", get_part<&handle_object::args>, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"_context", T_OBJECT, offsetof(handle_object, context), READONLY, nullptr},
    {"_loop", T_OBJECT, offsetof(handle_object, loop), READONLY, nullptr},
    {"_cancelled", T_BOOL, offsetof(handle_object, cancelled), READONLY, nullptr},
    {"_scheduled", T_BOOL, offsetof(handle_object, scheduled), READONLY, nullptr},
    {"_when", T_DOUBLE, offsetof(handle_object, when), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A callback that the event loop will run.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.Handle",
    .basicsize = sizeof(handle_object),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};

}  // namespace

int add_handle(PyObject* module, module_state& state) {
  state.handle_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (state.handle_type == nullptr) return -1;
  return PyModule_AddType(module, state.handle_type);
}

handle_object* make_handle(module_state& state, loop_object* loop, PyObject* callback, PyObject* const* args,
                           Py_ssize_t count, PyObject* context) {
  ref packed;
  if (count > 0) {
    packed = ref::steal(PyTuple_New(count));
    if (!packed) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(packed.get(), i, Py_NewRef(args[i]));
  }
  ref chosen = context == nullptr || context == Py_None ? ref::steal(PyContext_CopyCurrent()) : ref::share(context);
  if (!chosen) return nullptr;
  handle_object* made = PyObject_GC_New(handle_object, state.handle_type);
  if (made == nullptr) return nullptr;
  made->callback = Py_NewRef(callback);
  made->args = packed.release();
  made->context = chosen.release();
  made->loop = reinterpret_cast<loop_object*>(Py_NewRef(reinterpret_cast<PyObject*>(loop)));
  made->when = 0;
  made->cancelled = made->scheduled = false;
  PyObject_GC_Track(made);
  return made;
}

bool run_handle(handle_object* handle) {
  // The callback may cancel its own handle, and so may other threads.
  ref callback, args;
  {
    const python::critical_section alone(reinterpret_cast<PyObject*>(handle));
    if (handle->cancelled) return true;
    callback = ref::share(handle->callback);
    args = ref::share(handle->args);
  }
  ref result;
  if (const python::entered_context context(ref::share(handle->context)); context) {
    PyObject* const* items = args ? &PyTuple_GET_ITEM(args.get(), 0) : nullptr;
    const Py_ssize_t count = args ? PyTuple_GET_SIZE(args.get()) : 0;
    result = ref::steal(PyObject_Vectorcall(callback.get(), items, static_cast<size_t>(count), nullptr));
  }
  if (result) [[likely]]
    return true;
  return report_callback_error(handle->loop, callback.get());
}

}  // namespace fasterapi::bindings
