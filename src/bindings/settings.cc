#include "bindings/settings.h"

#include <cctype>
#include <limits>

#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

PyObject* field(PyObject* values, const char* name) {
  PyObject* found = PyDict_GetItemString(values, name);  // borrowed
  if (found == nullptr) PyErr_Format(PyExc_KeyError, "the configuration has no %s", name);
  return found;
}

template <typename Integer>
bool read_count(PyObject* values, const char* name, Integer& into) {
  PyObject* found = field(values, name);
  if (found == nullptr) return false;
  const unsigned long long number = PyLong_AsUnsignedLongLong(found);
  if (number == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) return false;
  if (number > std::numeric_limits<Integer>::max()) {
    PyErr_Format(PyExc_OverflowError, "%s is too large: %llu", name, number);
    return false;
  }
  into = static_cast<Integer>(number);
  return true;
}

bool read_seconds(PyObject* values, const char* name, int64_t& into_ms) {
  PyObject* found = field(values, name);
  if (found == nullptr) return false;
  const double seconds = PyFloat_AsDouble(found);
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) return false;
  into_ms = static_cast<int64_t>(seconds * 1000);
  return true;
}

bool read_hosts(PyObject* values, std::vector<std::string>& into) {
  PyObject* found = field(values, "allowed_hosts");
  if (found == nullptr) return false;
  const ref hosts = ref::steal(PySequence_Fast(found, "allowed_hosts must be a sequence of str"));
  if (!hosts) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(hosts.get()); ++i) {
    const char* text = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(hosts.get(), i));
    if (text == nullptr) return false;
    std::string host(text);
    for (char& c : host) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    into.push_back(std::move(host));
  }
  return true;
}

bool read_text(PyObject* values, const char* name, std::string& into) {
  PyObject* found = field(values, name);
  const char* text = found == nullptr ? nullptr : PyUnicode_AsUTF8(found);
  if (text == nullptr) return false;
  into = text;
  return true;
}

}  // namespace

bool read_settings(PyObject* values, server::config& into) {
  PyObject* access_log = field(values, "access_log");
  PyObject* log_format = access_log == nullptr ? nullptr : field(values, "log_format");
  if (log_format == nullptr) return false;
  into.access_log = PyObject_IsTrue(access_log) == 1;
  PyObject* send_request_id = field(values, "send_request_id");
  if (send_request_id == nullptr) return false;
  into.send_request_id = PyObject_IsTrue(send_request_id) == 1;
  into.access_log_json = PyUnicode_CompareWithASCIIString(log_format, "json") == 0;
  // These are not in the configuration of a loop that is no worker's.
  if (PyObject* strategy = PyDict_GetItemString(values, "strategy")) {
    into.pool_only = PyUnicode_Check(strategy) && PyUnicode_CompareWithASCIIString(strategy, "pooled") == 0;
  }
  if (PyObject* worker = PyDict_GetItemString(values, "worker_index")) {
    into.worker = static_cast<int32_t>(PyLong_AsLong(worker));
    if (into.worker == -1 && PyErr_Occurred() != nullptr) return false;
  }
  server::limits& bounds = into.bounds;
  return read_count(values, "request_line_max_bytes", bounds.head.request_line_max_bytes) &&
         read_count(values, "header_max_bytes", bounds.head.header_max_bytes) &&
         read_count(values, "header_max_count", bounds.head.header_max_count) &&
         read_count(values, "body_max_bytes", bounds.body_max_bytes) &&
         read_count(values, "json_depth_max", bounds.json_depth_max) &&
         read_seconds(values, "header_timeout_s", bounds.header_timeout_ms) &&
         read_count(values, "body_min_rate_bytes_s", bounds.body_min_rate_bytes_s) &&
         read_seconds(values, "body_grace_s", bounds.body_grace_ms) &&
         read_seconds(values, "keep_alive_timeout_s", bounds.keep_alive_timeout_ms) &&
         read_seconds(values, "write_stall_timeout_s", bounds.write_stall_timeout_ms) &&
         read_count(values, "max_requests_per_connection", bounds.max_requests_per_connection) &&
         read_count(values, "max_pipelined", bounds.max_pipelined) &&
         read_count(values, "response_buffer_bytes", bounds.response_buffer_bytes) &&
         read_count(values, "max_connections", bounds.max_connections) &&
         read_count(values, "max_connections_per_address", bounds.max_connections_per_address) &&
         read_count(values, "max_in_flight", bounds.max_in_flight) &&
         read_count(values, "max_in_flight_total", bounds.max_in_flight_total) &&
         read_count(values, "queue_size", bounds.queue_size) && read_hosts(values, into.allowed_hosts) &&
         read_text(values, "root_path", into.root_path);
}

}  // namespace fasterapi::bindings
