#include "shared/bell.h"

#include <new>
#include <optional>

#include "bindings/raise.h"
#include "bindings/shared_named.h"
#include "bindings/shared_types.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

struct bell_object {
  PyObject_HEAD const shared::region* region;
  std::optional<shared::bell> bell;
};

bell_object& in(PyObject* self) noexcept { return *reinterpret_cast<bell_object*>(self); }

PyObject* bell_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, ":SharedBell", const_cast<char**>(names))) return nullptr;
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  core::result<shared::bell> bell = shared::bell::create(*region);
  if (!bell.ok()) return raise_error(bell.failure());
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) return nullptr;
  in(made).region = region;
  new (&in(made).bell) std::optional<shared::bell>(bell.take());
  return made;
}

void bell_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  in(self).bell.~optional();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* bell_fileno(PyObject* self, PyObject*) { return PyLong_FromLong(in(self).bell->descriptor()); }

PyObject* bell_hang(PyObject* self, PyObject* place) {
  const unsigned long long offset = PyLong_AsUnsignedLongLong(place);
  if (offset == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  in(self).region->at<shared::wait_point>(offset).hang(in(self).bell->index());
  Py_RETURN_NONE;
}

PyObject* bell_answer(PyObject* self, PyObject*) {
  ref places = ref::steal(PySet_New(nullptr));
  bool failed = !places;
  in(self).bell->answer([&](uint64_t place) {
    const ref number = ref::steal(PyLong_FromUnsignedLongLong(place));
    failed = failed || !number || PySet_Add(places.get(), number.get()) != 0;
  });
  return failed ? nullptr : places.release();
}

PyMethodDef methods[] = {
    {"fileno", bell_fileno, METH_NOARGS, "fileno($self, /)\n--\n\nReadable once it was rung."},
    {"hang", bell_hang, METH_O, "hang($self, place, /)\n--\n\nBe rung once when something changes there."},
    {"answer", bell_answer, METH_NOARGS, "answer($self, /)\n--\n\nThe places that rang; 0 stands for all of them."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What an event loop listens to while somebody waits for shared objects in it.")},
    {Py_tp_new, reinterpret_cast<void*>(bell_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(bell_dealloc)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedBell", sizeof(bell_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

}  // namespace

int add_shared_bell(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
