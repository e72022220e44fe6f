#include "bindings/plan.h"

#include <new>
#include <string>

#include "core/arena.h"
#include "core/byte_buffer.h"
#include "fasterapi/python/ref.h"
#include "http/message.h"
#include "json/reader.h"
#include "schema/validate.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

struct plan_object {
  PyObject_HEAD compiled_plan* plan;
};

compiled_plan& plan_in(PyObject* self) noexcept { return *reinterpret_cast<plan_object*>(self)->plan; }

PyObject* plan_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject* spec = nullptr;
  static const char* names[] = {"spec", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:Plan", const_cast<char**>(names), &spec)) return nullptr;
  ref made = ref::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  auto* plan = new (std::nothrow) compiled_plan();
  reinterpret_cast<plan_object*>(made.get())->plan = plan;
  if (plan == nullptr) return PyErr_NoMemory();
  return read_spec(spec, *plan) ? made.release() : nullptr;
}

int visit_fallback(const python::fallback& held, visitproc visit, void* arg) {
  Py_VISIT(held.value.get());
  Py_VISIT(held.factory.get());
  return 0;
}

int plan_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  const compiled_plan* plan = reinterpret_cast<plan_object*>(self)->plan;
  if (plan == nullptr) return 0;
  for (const python::fallback& each : plan->defaults) {
    if (const int stop = visit_fallback(each, visit, arg)) return stop;
  }
  for (const ref& each : plan->validators) Py_VISIT(each.get());
  for (const ref& each : plan->convert.objects) Py_VISIT(each.get());
  for (const python::record_maker& each : plan->convert.records) {
    Py_VISIT(each.type.get());
    for (const python::fallback& field : each.fallbacks) {
      if (const int stop = visit_fallback(field, visit, arg)) return stop;
    }
  }
  return 0;
}

// Empties the plan of Python objects; it stays a plan that needs no arguments.
int plan_clear(PyObject* self) {
  compiled_plan* plan = std::exchange(reinterpret_cast<plan_object*>(self)->plan, nullptr);
  delete plan;
  return 0;
}

void plan_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  plan_clear(self);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// A request's head made from Python values; keeps the bytes that the head views.
class made_head {
 public:
  bool add_query(PyObject* query) {
    head_.query = keep(PyBytes_AS_STRING(query), PyBytes_GET_SIZE(query));
    return true;
  }

  bool add_headers(PyObject* headers) {
    if (!PyList_Check(headers) || PyList_GET_SIZE(headers) > static_cast<Py_ssize_t>(http::max_header_fields)) {
      PyErr_SetString(PyExc_TypeError, "headers must be a list of at most 100 pairs");
      return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); ++i) {
      const char *name = nullptr, *value = nullptr;
      Py_ssize_t name_size = 0, value_size = 0;
      PyObject* pair = PyList_GET_ITEM(headers, i);
      if (!PyArg_ParseTuple(pair, "y#y#", &name, &name_size, &value, &value_size)) return false;
      http::header_field& field = head_.fields[head_.field_count++];
      field.name = keep(name, name_size);
      field.value = keep(value, value_size);
      const std::string_view lower(name, static_cast<size_t>(name_size));
      if (http::equals_ignoring_case(lower, "cookie")) field.id = http::field_id::cookie;
    }
    return true;
  }

  const http::request_head* finish() {
    head_.base = bytes_.data();
    return &head_;
  }

 private:
  http::slice keep(const char* text, Py_ssize_t size) {
    const auto offset = static_cast<uint32_t>(bytes_.size());
    bytes_.append(text, static_cast<size_t>(size));
    return {offset, static_cast<uint32_t>(size)};
  }

  std::string bytes_;
  http::request_head head_;
};

// Everything that one request needs while it is checked outside a server.
struct trial {
  core::arena arena;
  json::reader reader;
  schema::error_list errors;
  made_head head;
  std::vector<std::string_view> path_values;
  std::vector<schema::value> values;
};

bool find_path_values(const compiled_plan& plan, PyObject* path, trial& with) {
  for (const schema::parameter* each : plan.shape.by_origin(schema::origin::path)) {
    PyObject* text = PyDict_GetItemString(path, each->alias.c_str());
    Py_ssize_t size = 0;
    const char* utf8 = text == nullptr ? nullptr : PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 == nullptr) {
      if (PyErr_Occurred() == nullptr) PyErr_Format(PyExc_KeyError, "path parameter %s", each->alias.c_str());
      return false;
    }
    if (with.path_values.size() <= each->path_index) with.path_values.resize(each->path_index + 1);
    with.path_values[each->path_index] = {utf8, static_cast<size_t>(size)};
  }
  return true;
}

PyObject* error_body(const trial& of) {
  core::byte_buffer out;
  schema::write_errors(of.errors, out);
  return PyBytes_FromStringAndSize(out.data(), static_cast<Py_ssize_t>(out.size()));
}

PyObject* call_arguments(const compiled_plan& plan, trial& with) {
  std::vector<PyObject*> arguments(plan.call_order.size());
  const bool built = build_arguments(plan, with.values.data(), Py_None, with.arena, with.errors, arguments.data());
  if (!built) return PyErr_Occurred() != nullptr ? nullptr : error_body(with);
  const ref positional = ref::steal(PyTuple_New(static_cast<Py_ssize_t>(plan.positional_count)));
  const ref named = ref::steal(PyDict_New());
  bool failed = !positional || !named;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!failed && i >= plan.positional_count) {
      PyObject* name = PyTuple_GET_ITEM(plan.keywords.get(), static_cast<Py_ssize_t>(i - plan.positional_count));
      failed = PyDict_SetItem(named.get(), name, arguments[i]) < 0;
    }
    if (!failed && i < plan.positional_count) {
      PyTuple_SET_ITEM(positional.get(), static_cast<Py_ssize_t>(i), arguments[i]);
    } else {
      Py_DECREF(arguments[i]);
    }
  }
  return failed ? nullptr : PyTuple_Pack(2, positional.get(), named.get());
}

PyDoc_STRVAR(validate_doc,
             "validate(*, path, query, headers, body)\n--\n\n"
             "Check one request, given by its parts, outside a server.\n\n"
             "Returns the handler's arguments as (positional, keyword), or the body of the error response as bytes.");

PyObject* plan_validate(PyObject* self, PyObject* args, PyObject* keywords) {
  PyObject *path = nullptr, *query = nullptr, *headers = nullptr, *body = Py_None;
  static const char* names[] = {"path", "query", "headers", "body", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "$O!SOO:validate", const_cast<char**>(names), &PyDict_Type, &path,
                                   &query, &headers, &body)) {
    return nullptr;
  }
  if (body != Py_None && !PyBytes_Check(body)) {
    PyErr_SetString(PyExc_TypeError, "body must be bytes or None");
    return nullptr;
  }
  const compiled_plan& plan = plan_in(self);
  trial with;
  if (!with.head.add_query(query) || !with.head.add_headers(headers) || !find_path_values(plan, path, with)) {
    return nullptr;
  }
  with.values.resize(plan.shape.parameter_count());
  schema::request_view request{with.path_values, with.head.finish(), {}, body != Py_None};
  if (body != Py_None) request.body = {PyBytes_AS_STRING(body), static_cast<size_t>(PyBytes_GET_SIZE(body))};
  if (schema::validate(plan.shape, request, with.reader, with.arena, with.values.data(), with.errors)) {
    return call_arguments(plan, with);
  }
  return error_body(with);
}

PyMethodDef methods[] = {
    {"validate", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(plan_validate)),
     METH_VARARGS | METH_KEYWORDS, validate_doc},
    {nullptr, nullptr, 0, nullptr},
};

PyDoc_STRVAR(plan_doc,
             "Plan(spec)\n--\n\n"
             "How a handler's arguments are read from a request, compiled from _signature.compile_plan's result.");

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>(plan_doc)},
    {Py_tp_new, reinterpret_cast<void*>(plan_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(plan_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(plan_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(plan_clear)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec plan_spec = {
    "fasterapi._engine.Plan",
    sizeof(plan_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_plan(PyObject* module, module_state& state) {
  state.plan_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &plan_spec, nullptr));
  if (state.plan_type == nullptr) return -1;
  return PyModule_AddType(module, state.plan_type);
}

const compiled_plan& plan_of(PyObject* plan_object) noexcept { return plan_in(plan_object); }

}  // namespace fasterapi::bindings
