#include "bindings/routes.h"

#include <new>

#include "bindings/plan.h"
#include "bindings/raise.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

routes_object* self_of(PyObject* object) noexcept { return reinterpret_cast<routes_object*>(object); }

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const names[] = {"redirect_slashes", nullptr};
  int redirect_slashes = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:Routes", const_cast<char**>(names), &redirect_slashes)) {
    return nullptr;
  }
  const ref made = ref::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  routes_object* self = self_of(made.get());
  self->application = new (std::nothrow) server::application();
  self->handlers = new (std::nothrow) std::vector<handler_entry>();
  if (self->application == nullptr || self->handlers == nullptr) return PyErr_NoMemory();
  self->application->redirect_slashes = redirect_slashes != 0;
  return Py_NewRef(made.get());
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  if (self_of(object)->handlers == nullptr) return 0;
  for (const handler_entry& entry : *self_of(object)->handlers) {
    Py_VISIT(entry.handler.get());
    Py_VISIT(entry.plan_object.get());
    Py_VISIT(entry.response_class.get());
  }
  return 0;
}

// The indexes of the application's routes stay; only what refers to Python objects goes.
int clear(PyObject* object) {
  if (self_of(object)->handlers == nullptr) return 0;
  for (handler_entry& entry : *self_of(object)->handlers) {
    entry.handler = {};
    entry.response_class = {};
  }
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  delete self_of(object)->handlers;
  delete self_of(object)->application;
  type->tp_free(object);
  Py_DECREF(type);
}

// The set of methods in a tuple of str; 0 with a Python error set.
http::method_set read_methods(server::application& app, PyObject* methods, std::string& joined) {
  http::method_set set = 0;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(methods); ++i) {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(methods, i), &size);
    if (text == nullptr) return 0;
    auto bit = app.router.method_bit({text, static_cast<size_t>(size)});
    if (!bit.ok()) {
      raise_error(bit.failure(), PyExc_ValueError);
      return 0;
    }
    set |= bit.value();
    if (!joined.empty()) joined += ',';
    joined.append(text, static_cast<size_t>(size));
  }
  if (set == 0) PyErr_SetString(PyExc_ValueError, "a route must have at least one method");
  return set;
}

bool warn_of_shadow(const routes_object* self, const handler_entry& added, int64_t by) {
  if (by < 0) return true;
  const handler_entry& earlier = entry_of(self, static_cast<uint32_t>(by));
  return PyErr_WarnFormat(PyExc_UserWarning, 2, "%s %s (%s) is never reached: %s %s (%s) was declared before it",
                          added.methods.c_str(), added.path.c_str(), added.qualname.c_str(), earlier.methods.c_str(),
                          earlier.path.c_str(), earlier.qualname.c_str()) == 0;
}

PyObject* add(PyObject* object, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"path",        "methods",       "handler",        "plan",     "name",
                                "status_code", "response_kind", "response_class", "qualname", "is_async",
                                "run_mode",    "timeout_ms",    "always_admit",   nullptr};
  routes_object* self = self_of(object);
  module_state& state = state_of_type(Py_TYPE(object));
  const char* path;
  Py_ssize_t path_size;
  PyObject *methods, *handler, *plan, *status, *response_class;
  const char *name, *qualname;
  int kind, is_async, run_mode, always_admit;
  long long timeout_ms;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "$s#O!OO!sOiOspiLp", const_cast<char**>(names), &path, &path_size,
                                   &PyTuple_Type, &methods, &handler, state.plan_type, &plan, &name, &status, &kind,
                                   &response_class, &qualname, &is_async, &run_mode, &timeout_ms, &always_admit)) {
    return nullptr;
  }
  handler_entry entry;
  entry.handler = ref::share(handler);
  entry.plan_object = ref::share(plan);
  entry.plan = &plan_of(plan);
  entry.kind = static_cast<response_kind>(kind);
  if (response_class != Py_None) entry.response_class = ref::share(response_class);
  entry.path = path;
  entry.qualname = qualname;
  if (status != Py_None) {
    const long code = PyLong_AsLong(status);
    if (code == -1 && PyErr_Occurred() != nullptr) return nullptr;
    if (code < 200 || code > 599)
      return PyErr_Format(PyExc_ValueError, "status_code must be 200 to 599, not %ld", code);
    entry.status = static_cast<uint16_t>(code);
  }
  if (entry.plan->shape.parameter_count() > parameters_max) {
    return PyErr_Format(PyExc_ValueError, "a handler may have at most %zu parameters", parameters_max);
  }
  const http::method_set set = read_methods(*self->application, methods, entry.methods);
  if (set == 0) return nullptr;
  const auto index = static_cast<uint32_t>(self->handlers->size());
  auto added = self->application->router.add(set, {path, static_cast<size_t>(path_size)}, index);
  if (!added.ok()) return raise_error(added.failure(), PyExc_ValueError);
  entry.path_names = std::move(added.value().parameters);
  entry.label = ref::steal(PyUnicode_FromFormat("%s %s (%s)", entry.methods.c_str(), path, qualname));
  if (!entry.label || !warn_of_shadow(self, entry, added.value().shadowed_by)) return nullptr;
  self->application->routes.push_back(
      {&entry.plan->shape, static_cast<server::run_mode>(run_mode), is_async != 0, always_admit != 0, timeout_ms});
  self->application->routes.back().name = entry.methods + ' ' + entry.path + " (" + entry.qualname + ')';
  self->handlers->push_back(std::move(entry));
  Py_RETURN_NONE;
}

PyObject* signature(PyObject* object, PyObject*) {
  const std::vector<handler_entry>& handlers = *self_of(object)->handlers;
  ref list = ref::steal(PyList_New(static_cast<Py_ssize_t>(handlers.size())));
  if (!list) return nullptr;
  for (size_t i = 0; i < handlers.size(); ++i) {
    PyObject* row =
        Py_BuildValue("(sss)", handlers[i].methods.c_str(), handlers[i].path.c_str(), handlers[i].qualname.c_str());
    if (row == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), row);
  }
  return list.release();
}

PyMethodDef methods[] = {
    {"add", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(add)), METH_VARARGS | METH_KEYWORDS,
     "Add a route."},
    {"signature", signature, METH_NOARGS, "(methods, path, qualname) of each route, in order."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The compiled routes of one app in one interpreter.")},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.Routes",
    .basicsize = sizeof(routes_object),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

}  // namespace

int add_routes(PyObject* module, module_state& state) {
  state.routes_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (state.routes_type == nullptr) return -1;
  return PyModule_AddType(module, state.routes_type);
}

}  // namespace fasterapi::bindings
