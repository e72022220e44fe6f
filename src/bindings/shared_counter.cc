#include "shared/counter.h"

#include <new>

#include "bindings/shared_access.h"
#include "bindings/shared_types.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

struct counter_object {
  PyObject_HEAD PyObject* name;
  int64_t initial;
  shared::counter* counter;  // in shared memory, for as long as the process
};

counter_object& in(PyObject* self) noexcept { return *reinterpret_cast<counter_object*>(self); }

bool read_int64(PyObject* number, int64_t& into) {
  into = PyLong_AsLongLong(number);
  if (into != -1 || PyErr_Occurred() == nullptr) return true;
  if (PyErr_ExceptionMatches(PyExc_OverflowError) != 0) {
    PyErr_SetString(PyExc_OverflowError, "a Counter holds -2**63 to 2**63 - 1");
  }
  return false;
}

PyObject* counter_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject *name = nullptr, *initial = nullptr;
  static const char* names[] = {"name", "initial", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:Counter", const_cast<char**>(names), &name, &initial)) {
    return nullptr;
  }
  int64_t start = 0;
  if (initial != nullptr && !read_int64(initial, start)) return nullptr;
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const shared::object_plan plan{
      shared::object_kind::counter,
      {static_cast<uint64_t>(start)},
      sizeof(shared::counter),
      [](void* memory, const void* context) { new (memory) shared::counter(*static_cast<const int64_t*>(context)); },
      &start};
  void* opened = open_shared(*region, name, plan);
  if (opened == nullptr) return nullptr;
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) return nullptr;
  in(made).name = Py_NewRef(name);
  in(made).initial = start;
  in(made).counter = static_cast<shared::counter*>(opened);
  return made;
}

void counter_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(in(self).name);
  type->tp_free(self);
  Py_DECREF(type);
}

PyDoc_STRVAR(add_doc,
             "add($self, n=1, /)\n--\n\n"
             "Add n and return the new value. OverflowError, and nothing is added, where that has no room.");

PyObject* counter_add(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  int64_t more = 1;
  if (count > 1) return PyErr_Format(PyExc_TypeError, "add() takes at most 1 argument (%zd given)", count);
  if (count == 1 && !read_int64(args[0], more)) return nullptr;
  const std::optional<int64_t> value = in(self).counter->add(more);
  if (value) return PyLong_FromLongLong(*value);
  PyErr_Format(PyExc_OverflowError, "Counter %R has no room for %lld more", in(self).name,
               static_cast<long long>(more));
  return nullptr;
}

PyObject* counter_set(PyObject* self, PyObject* number) {
  int64_t value = 0;
  if (!read_int64(number, value)) return nullptr;
  in(self).counter->set(value);
  Py_RETURN_NONE;
}

PyDoc_STRVAR(compare_and_set_doc,
             "compare_and_set($self, expected, new, /)\n--\n\n"
             "Set the value to new where it is expected; returns whether it was.");

PyObject* counter_compare_and_set(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  int64_t expected = 0, value = 0;
  if (count != 2) return PyErr_Format(PyExc_TypeError, "compare_and_set() takes 2 arguments (%zd given)", count);
  if (!read_int64(args[0], expected) || !read_int64(args[1], value)) return nullptr;
  return PyBool_FromLong(in(self).counter->compare_and_set(expected, value));
}

PyObject* counter_value(PyObject* self, void*) { return PyLong_FromLongLong(in(self).counter->value()); }

PyObject* counter_name(PyObject* self, void*) { return Py_NewRef(in(self).name); }

PyObject* counter_reduce(PyObject* self, PyObject*) {
  return Py_BuildValue("O(OL)", Py_TYPE(self), in(self).name, static_cast<long long>(in(self).initial));
}

PyObject* counter_repr(PyObject* self) {
  return PyUnicode_FromFormat("Counter(%R): %lld", in(self).name, static_cast<long long>(in(self).counter->value()));
}

PyMethodDef methods[] = {
    {"add", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(counter_add)), METH_FASTCALL, add_doc},
    {"set", counter_set, METH_O, "set($self, value, /)\n--\n\nSet the value."},
    {"compare_and_set", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(counter_compare_and_set)),
     METH_FASTCALL, compare_and_set_doc},
    {"__reduce__", counter_reduce, METH_NOARGS, "Pickled by name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"value", counter_value, nullptr, "The value now.", nullptr},
    {"name", counter_name, nullptr, "The name it is found by.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("A number that all interpreters and workers share.")},
    {Py_tp_new, reinterpret_cast<void*>(counter_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(counter_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(counter_repr)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedCounter",
    sizeof(counter_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_counter(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
