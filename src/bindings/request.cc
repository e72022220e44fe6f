#include "bindings/request.h"

#include <structmember.h>

#include <array>
#include <mutex>
#include <utility>

#include "bindings/site.h"
#include "net/address.h"
#include "python/gil_mutex.h"
#include "python/held_once.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

// Everything a request can be asked for. A field is made from the call when it is first wanted, or when the call ends.
enum field : size_t {
  method,
  path,
  raw_path,
  query_string,
  http_version,
  server,
  client,
  path_params,
  raw_headers,
  request_id,
  traceparent,
  body,
  field_count
};

struct request_object {
  PyObject_HEAD server::call* call;  // which owns a reference to this object; null once detached
  const handler_entry* entry;        // of the site's routes, which outlive every call
  endpoints ends;
  std::array<PyObject*, field_count> made;
  python::gil_mutex mutex;  // guards `call` and `made`
};

request_object* self_of(PyObject* object) noexcept { return reinterpret_cast<request_object*>(object); }

PyObject* bytes_of(std::string_view text) {
  return PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

PyObject* text_of(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
}

PyObject* address_of(const net::address& address) {
  return Py_BuildValue("(si)", address.host().c_str(), static_cast<int>(address.port()));
}

PyObject* make_path_params(const request_object& self) {
  ref params = ref::steal(PyDict_New());
  if (!params || self.entry == nullptr) return params.release();
  const auto values = self.call->path_values();
  for (size_t i = 0; i < values.size(); ++i) {
    const ref value = ref::steal(text_of(values[i]));
    if (!value || PyDict_SetItemString(params.get(), self.entry->path_names[i].c_str(), value.get()) != 0)
      return nullptr;
  }
  return params.release();
}

PyObject* make_raw_headers(const http::request_head& head) {
  ref list = ref::steal(PyList_New(head.field_count));
  if (!list) return nullptr;
  for (uint32_t i = 0; i < head.field_count; ++i) {
    ref name = ref::steal(bytes_of(head.view(head.fields[i].name)));
    ref value = ref::steal(bytes_of(head.view(head.fields[i].value)));
    if (!name || !value) return nullptr;
    char* letters = PyBytes_AS_STRING(name.get());
    for (uint32_t at = 0; at < head.fields[i].name.length; ++at) {
      if (letters[at] >= 'A' && letters[at] <= 'Z') letters[at] = static_cast<char>(letters[at] + 32);
    }
    PyObject* pair = PyTuple_Pack(2, name.get(), value.get());
    if (pair == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), i, pair);
  }
  return list.release();
}

PyObject* make_field(const request_object& self, field wanted) {
  const server::call& call = *self.call;
  const http::request_head& head = call.head;
  switch (wanted) {
    case method:
      return text_of(head.view(head.method_token));
    case path:
      return text_of(call.path);
    case raw_path:
      return bytes_of(head.view(head.path));
    case query_string:
      return bytes_of(head.view(head.query));
    case http_version:
      return PyUnicode_FromString(head.version_minor == 0 ? "1.0" : "1.1");
    case server:
      return address_of(self.ends.local);
    case client:
      if (!self.ends.has_peer) Py_RETURN_NONE;
      return address_of(self.ends.peer);
    case path_params:
      return make_path_params(self);
    case raw_headers:
      return make_raw_headers(head);
    case request_id:
      return text_of(call.id().view());
    case traceparent:
      if (call.trace_parent().empty()) Py_RETURN_NONE;
      return text_of(call.trace_parent());
    case body:
      return bytes_of(call.body);
    case field_count:
      break;
  }
  PyErr_SetString(PyExc_SystemError, "no such field of a request");
  return nullptr;
}

// Makes the field, unless another thread has made it meanwhile.
void keep_field(request_object& self, field wanted) {
  ref made = ref::steal(make_field(self, wanted));
  if (self.made[wanted] == nullptr) self.made[wanted] = made.release();
}

PyObject* get_field(PyObject* object, void* closure) {
  request_object* self = self_of(object);
  const auto wanted = static_cast<field>(reinterpret_cast<uintptr_t>(closure));
  // The call lasts as long as nobody detaches the request from it.
  const std::lock_guard alone(self->mutex);
  if (self->made[wanted] == nullptr) {
    if (self->call == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, "this request has ended, and there was no memory to keep it");
      return nullptr;
    }
    keep_field(*self, wanted);
  }
  return Py_XNewRef(self->made[wanted]);
}

PyObject* get_scheme(PyObject*, void*) { return PyUnicode_FromString("http"); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  for (PyObject* made : self_of(object)->made) Py_VISIT(made);
  return 0;
}

int clear(PyObject* object) {
  for (PyObject*& made : self_of(object)->made) Py_CLEAR(made);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyGetSetDef getters[] = {
    {"method", get_field, nullptr, "The method: \"GET\".", reinterpret_cast<void*>(uintptr_t{method})},
    {"path", get_field, nullptr, "The path, percent-decoded.", reinterpret_cast<void*>(uintptr_t{path})},
    {"raw_path", get_field, nullptr, "The path as received.", reinterpret_cast<void*>(uintptr_t{raw_path})},
    {"query_string", get_field, nullptr, "The query as received.", reinterpret_cast<void*>(uintptr_t{query_string})},
    {"http_version", get_field, nullptr, "\"1.0\" or \"1.1\".", reinterpret_cast<void*>(uintptr_t{http_version})},
    {"server", get_field, nullptr, "(host, port) of this end.", reinterpret_cast<void*>(uintptr_t{server})},
    {"client", get_field, nullptr, "(host, port) of the other end.", reinterpret_cast<void*>(uintptr_t{client})},
    {"path_params", get_field, nullptr, "Path parameters by name.", reinterpret_cast<void*>(uintptr_t{path_params})},
    {"raw_headers", get_field, nullptr, "(name, value) pairs of bytes.",
     reinterpret_cast<void*>(uintptr_t{raw_headers})},
    {"request_id", get_field, nullptr, "Its name in logs: the client's X-Request-ID, or one made here.",
     reinterpret_cast<void*>(uintptr_t{request_id})},
    {"traceparent", get_field, nullptr, "The Traceparent field if that is valid, else None.",
     reinterpret_cast<void*>(uintptr_t{traceparent})},
    {"_body", get_field, nullptr, "The whole body.", reinterpret_cast<void*>(uintptr_t{body})},
    {"scheme", get_scheme, nullptr, "\"http\".", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("One HTTP request: what the engine knows of it.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_getset, getters},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.Request",
    .basicsize = sizeof(request_object),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

}  // namespace

int add_request(PyObject* module, module_state& state) {
  state.request_base_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (state.request_base_type == nullptr) return -1;
  return PyModule_AddType(module, state.request_base_type);
}

PyObject* make_request(const site& here, server::call& call, const handler_entry* entry) {
  if (call.view != nullptr) return static_cast<PyObject*>(call.view);
  auto* type = reinterpret_cast<PyTypeObject*>(here.state->request_class);
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) return nullptr;
  request_object* self = self_of(made);
  self->call = &call;
  self->entry = entry;
  self->ends = endpoints_of(here, call);
  call.view = made;
  return made;
}

void detach_request(server::call& call) {
  const ref request = ref::steal(static_cast<PyObject*>(std::exchange(call.view, nullptr)));
  if (!request) return;
  request_object* self = self_of(request.get());
  const std::lock_guard alone(self->mutex);
  if (!python::is_held_once(request.get())) {
    PyObject* raised = PyErr_GetRaisedException();
    for (size_t i = 0; i < field_count; ++i) {
      if (self->made[i] == nullptr) keep_field(*self, static_cast<field>(i));
      if (self->made[i] == nullptr) PyErr_Clear();
    }
    PyErr_SetRaisedException(raised);
  }
  self->call = nullptr;
}

}  // namespace fasterapi::bindings
