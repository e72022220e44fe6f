#include "bindings/answer.h"

#include <array>
#include <span>

#include "bindings/encode.h"
#include "bindings/site.h"
#include "fasterapi/python/ref.h"
#include "http/h1/response_writer.h"
#include "python/snapshot.h"

namespace fasterapi::bindings {

namespace {

using http::h1::response_field;
using python::ref;

constexpr size_t body_headroom = 512;  // for a head before an encoded body
constexpr size_t kept_body = 1 << 20;  // bytes of the encoding buffer that are kept from answer to answer
constexpr size_t fields_max = 256;     // of one response

bool bodiless(uint16_t status) noexcept { return status < 200 || status == 204 || status == 304; }

bool read_bytes(PyObject* object, const char* what, std::string_view& into) {
  if (!PyBytes_Check(object)) {
    PyErr_Format(PyExc_TypeError, "a response's %s must be bytes, not %s", what, Py_TYPE(object)->tp_name);
    return false;
  }
  into = {PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))};
  return true;
}

// One (name, value) pair of a response's raw headers.
bool read_field(PyObject* pair, response_field& into) {
  if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
    PyErr_SetString(PyExc_TypeError, "a response's raw_headers must be pairs of bytes");
    return false;
  }
  if (!read_bytes(PyTuple_GET_ITEM(pair, 0), "header name", into.name) ||
      !read_bytes(PyTuple_GET_ITEM(pair, 1), "header value", into.value)) {
    return false;
  }
  if (http::h1::is_valid_field_name(into.name) && http::h1::is_valid_field_value(into.value)) return true;
  PyErr_Format(PyExc_ValueError, "a response must not have the header %R: %R", PyTuple_GET_ITEM(pair, 0),
               PyTuple_GET_ITEM(pair, 1));
  return false;
}

bool answer_with(site& here, server::call& call, PyObject* status, PyObject* raw_headers, PyObject* body) {
  server::answer_view given;
  const long code = PyLong_AsLong(status);
  if (code == -1 && PyErr_Occurred() != nullptr) return false;
  if (code < 200 || code > 999) {
    PyErr_Format(PyExc_ValueError, "a response's status must be 200 to 999, not %ld", code);
    return false;
  }
  given.status = static_cast<uint16_t>(code);
  if (!read_bytes(body, "body", given.body)) return false;
  const ref listed = ref::steal(PySequence_Fast(raw_headers, "a response's raw_headers must be a list"));
  const ref headers = listed ? python::snapshot_of(listed.get()) : ref();  // other threads may answer with it too
  if (!headers) return false;
  std::array<response_field, fields_max> fields;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(headers.get());
  if (static_cast<size_t>(count) > fields.size()) {
    PyErr_Format(PyExc_ValueError, "a response must not have more than %zu headers", fields.size());
    return false;
  }
  size_t kept = 0;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!read_field(PySequence_Fast_GET_ITEM(headers.get(), i), fields[kept])) return false;
    if (http::equals_ignoring_case(fields[kept].name, "date")) continue;  // the engine's is right
    if (http::equals_ignoring_case(fields[kept].name, "connection")) {
      given.close = given.close || http::equals_ignoring_case(fields[kept].value, "close");
      continue;
    }
    ++kept;
  }
  given.fields = std::span<const response_field>(fields.data(), kept);
  if (bodiless(given.status)) given.body = {};
  answer(here, call, given);
  return true;
}

bool answer_response(site& here, server::call& call, PyObject* response) {
  const module_state& state = *here.state;
  const ref status = ref::steal(PyObject_GetAttr(response, state.status_code_name));
  const ref headers = ref::steal(PyObject_GetAttr(response, state.raw_headers_name));
  const ref body = ref::steal(PyObject_GetAttr(response, state.body_name));
  return status && headers && body && answer_with(here, call, status.get(), headers.get(), body.get());
}

bool answer_json(site& here, server::call& call, const handler_entry& entry, PyObject* value) {
  core::byte_buffer& out = here.body;
  out.clear();
  if (out.extend(body_headroom) == nullptr) {
    PyErr_NoMemory();
    return false;
  }
  if (!encode_json(*here.state, value, out)) return false;
  server::answer_view given;
  given.status = entry.status;
  given.content_type = "application/json";
  given.body = out.view().substr(body_headroom);
  given.headroom = body_headroom;
  if (bodiless(entry.status)) given.body = given.content_type = {};
  answer(here, call, given);
  if (out.capacity() > kept_body) out.shrink(0);
  return true;
}

bool answer_text(site& here, server::call& call, const handler_entry& entry, PyObject* value) {
  server::answer_view given;
  given.status = entry.status;
  given.content_type = entry.kind == response_kind::text ? "text/plain; charset=utf-8" : "text/html; charset=utf-8";
  if (PyUnicode_Check(value)) {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(value, &size);
    if (text == nullptr) return false;
    given.body = {text, static_cast<size_t>(size)};
  } else if (PyBytes_Check(value)) {
    given.body = {PyBytes_AS_STRING(value), static_cast<size_t>(PyBytes_GET_SIZE(value))};
  } else if (value != Py_None) {
    PyErr_Format(PyExc_TypeError, "a handler with a text response_class must return str or bytes, not %s",
                 Py_TYPE(value)->tp_name);
    return false;
  }
  if (bodiless(entry.status)) given.body = given.content_type = {};
  answer(here, call, given);
  return true;
}

bool answer_by_class(site& here, server::call& call, const handler_entry& entry, PyObject* value) {
  const ref arguments = ref::steal(PyTuple_Pack(1, value));
  const ref keywords = ref::steal(Py_BuildValue("{si}", "status_code", static_cast<int>(entry.status)));
  if (!arguments || !keywords) return false;
  const ref response = ref::steal(PyObject_Call(entry.response_class.get(), arguments.get(), keywords.get()));
  return response && answer_response(here, call, response.get());
}

}  // namespace

bool answer_result(site& here, server::call& call, const handler_entry& entry, PyObject* value) {
  const module_state& state = *here.state;
  // The plainest results first: none of these is a Response.
  const bool plain = PyDict_CheckExact(value) || PyUnicode_CheckExact(value) || PyList_CheckExact(value);
  if (!plain && PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.response_class))) {
    return answer_response(here, call, value);
  }
  switch (entry.kind) {
    case response_kind::json:
      return answer_json(here, call, entry, value);
    case response_kind::text:
    case response_kind::html:
      return answer_text(here, call, entry, value);
    case response_kind::by_class:
      return answer_by_class(here, call, entry, value);
  }
  return false;
}

bool answer_parts(site& here, server::call& call, PyObject* parts) {
  if (!PyTuple_Check(parts) || PyTuple_GET_SIZE(parts) != 3) {
    PyErr_Format(PyExc_TypeError, "an answer is (status, raw headers, body), not %R", parts);
    return false;
  }
  return answer_with(here, call, PyTuple_GET_ITEM(parts, 0), PyTuple_GET_ITEM(parts, 1), PyTuple_GET_ITEM(parts, 2));
}

void answer_last_resort(site& here, server::call& call) {
  shelter(here, call);
  if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(nullptr);
  answer_internal_error(here, call, "the app's exception handling failed");
}

}  // namespace fasterapi::bindings
