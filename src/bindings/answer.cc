#include "bindings/answer.h"

#include <array>
#include <span>

#include "bindings/encode.h"
#include "bindings/loop.h"
#include "bindings/request.h"
#include "fasterapi/python/ref.h"
#include "http/h1/response_writer.h"

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

bool answer_with(loop_object* loop, server::call& call, PyObject* status, PyObject* raw_headers, PyObject* body) {
  server::answer_view answer;
  const long code = PyLong_AsLong(status);
  if (code == -1 && PyErr_Occurred() != nullptr) return false;
  if (code < 200 || code > 999) {
    PyErr_Format(PyExc_ValueError, "a response's status must be 200 to 999, not %ld", code);
    return false;
  }
  answer.status = static_cast<uint16_t>(code);
  if (!read_bytes(body, "body", answer.body)) return false;
  const ref headers = ref::steal(PySequence_Fast(raw_headers, "a response's raw_headers must be a list"));
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
      answer.close = answer.close || http::equals_ignoring_case(fields[kept].value, "close");
      continue;
    }
    ++kept;
  }
  answer.fields = std::span<const response_field>(fields.data(), kept);
  if (bodiless(answer.status)) answer.body = {};
  send_answer(loop, call, answer);
  return true;
}

bool answer_response(loop_object* loop, server::call& call, PyObject* response) {
  const module_state& state = state_of_loop(loop);
  const ref status = ref::steal(PyObject_GetAttr(response, state.status_code_name));
  const ref headers = ref::steal(PyObject_GetAttr(response, state.raw_headers_name));
  const ref body = ref::steal(PyObject_GetAttr(response, state.body_name));
  return status && headers && body && answer_with(loop, call, status.get(), headers.get(), body.get());
}

bool answer_json(loop_object* loop, server::call& call, const handler_entry& entry, PyObject* value) {
  core::byte_buffer& out = loop->core->body;
  out.clear();
  if (out.extend(body_headroom) == nullptr) {
    PyErr_NoMemory();
    return false;
  }
  if (!encode_json(state_of_loop(loop), value, out)) return false;
  server::answer_view answer;
  answer.status = entry.status;
  answer.content_type = "application/json";
  answer.body = out.view().substr(body_headroom);
  answer.headroom = body_headroom;
  if (bodiless(entry.status)) answer.body = answer.content_type = {};
  send_answer(loop, call, answer);
  if (out.capacity() > kept_body) out.shrink(0);
  return true;
}

bool answer_text(loop_object* loop, server::call& call, const handler_entry& entry, PyObject* value) {
  server::answer_view answer;
  answer.status = entry.status;
  answer.content_type = entry.kind == response_kind::text ? "text/plain; charset=utf-8" : "text/html; charset=utf-8";
  if (PyUnicode_Check(value)) {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(value, &size);
    if (text == nullptr) return false;
    answer.body = {text, static_cast<size_t>(size)};
  } else if (PyBytes_Check(value)) {
    answer.body = {PyBytes_AS_STRING(value), static_cast<size_t>(PyBytes_GET_SIZE(value))};
  } else if (value != Py_None) {
    PyErr_Format(PyExc_TypeError, "a handler with a text response_class must return str or bytes, not %s",
                 Py_TYPE(value)->tp_name);
    return false;
  }
  if (bodiless(entry.status)) answer.body = answer.content_type = {};
  send_answer(loop, call, answer);
  return true;
}

bool answer_by_class(loop_object* loop, server::call& call, const handler_entry& entry, PyObject* value) {
  const ref arguments = ref::steal(PyTuple_Pack(1, value));
  const ref keywords = ref::steal(Py_BuildValue("{si}", "status_code", static_cast<int>(entry.status)));
  if (!arguments || !keywords) return false;
  const ref response = ref::steal(PyObject_Call(entry.response_class.get(), arguments.get(), keywords.get()));
  return response && answer_response(loop, call, response.get());
}

}  // namespace

bool answer_result(loop_object* loop, server::call& call, const handler_entry& entry, PyObject* value) {
  const module_state& state = state_of_loop(loop);
  // The plainest results first: none of these is a Response.
  const bool plain = PyDict_CheckExact(value) || PyUnicode_CheckExact(value) || PyList_CheckExact(value);
  if (!plain && PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject*>(state.response_class))) {
    return answer_response(loop, call, value);
  }
  switch (entry.kind) {
    case response_kind::json:
      return answer_json(loop, call, entry, value);
    case response_kind::text:
    case response_kind::html:
      return answer_text(loop, call, entry, value);
    case response_kind::by_class:
      return answer_by_class(loop, call, entry, value);
  }
  return false;
}

bool answer_parts(loop_object* loop, server::call& call, PyObject* parts) {
  if (!PyTuple_Check(parts) || PyTuple_GET_SIZE(parts) != 3) {
    PyErr_Format(PyExc_TypeError, "an answer is (status, raw headers, body), not %R", parts);
    return false;
  }
  return answer_with(loop, call, PyTuple_GET_ITEM(parts, 0), PyTuple_GET_ITEM(parts, 1), PyTuple_GET_ITEM(parts, 2));
}

void answer_last_resort(loop_object* loop, server::call& call) {
  if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(nullptr);
  enter_shard(loop);
  detach_request(call);
  loop->core->shard->answer_internal_error(call, "the app's exception handling failed");
}

void send_answer(loop_object* loop, server::call& call, const server::answer_view& answer) {
  enter_shard(loop);
  detach_request(call);
  loop->core->shard->answer(call, answer);
}

}  // namespace fasterapi::bindings
