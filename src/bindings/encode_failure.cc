#include "bindings/encode_failure.h"

#include <cmath>
#include <string_view>

#include "core/byte_buffer.h"
#include "json/writer.h"

namespace fasterapi::bindings {

namespace {

constexpr size_t place_max_size = 256;
constexpr Py_ssize_t key_max_length = 64;

// The text as it can stand in a message: quoted, cut when long; empty when it cannot be said in UTF-8.
std::string quoted(PyObject* text) noexcept {
  const bool cut = PyUnicode_GET_LENGTH(text) > key_max_length;
  const auto shown = python::ref::steal(cut ? PyUnicode_Substring(text, 0, key_max_length) : Py_NewRef(text));
  Py_ssize_t size = 0;
  const char* const utf8 = shown ? PyUnicode_AsUTF8AndSize(shown.get(), &size) : nullptr;
  if (utf8 == nullptr) {
    PyErr_Clear();
    return {};
  }
  core::byte_buffer out;
  json::write_string(out, {utf8, static_cast<size_t>(size)});
  if (cut) out.append("…");
  return std::string(out.view());
}

}  // namespace

bool encode_failure::report(reason why, PyObject* object) noexcept {
  reason_ = why;
  if (object != nullptr) type_ = python::ref::share(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  return false;
}

bool encode_failure::out_of_range(double number) noexcept {
  number_ = number;
  return report(reason::out_of_range, nullptr);
}

bool encode_failure::caught() noexcept {
  exception_ = python::ref::steal(PyErr_GetRaisedException());
  return report(reason::caught, nullptr);
}

void encode_failure::prepend(const std::string& segment) noexcept {
  place_.insert(0, segment);
  if (place_.size() <= place_max_size) return;
  constexpr std::string_view more = "…";
  size_t end = place_max_size - more.size();
  while (end > 0 && (static_cast<uint8_t>(place_[end]) & 0xc0) == 0x80) --end;
  place_.resize(end);
  place_ += more;
}

bool encode_failure::at_index(Py_ssize_t index) noexcept {
  prepend('[' + std::to_string(index) + ']');
  return false;
}

bool encode_failure::at_key(PyObject* key) noexcept {
  if (PyUnicode_Check(key)) {
    prepend('[' + quoted(key) + ']');
  } else if (PyLong_CheckExact(key)) {
    int overflow = 0;
    prepend('[' + std::to_string(PyLong_AsLongLongAndOverflow(key, &overflow)) + ']');
  } else {
    prepend(std::string("[<") + Py_TYPE(key)->tp_name + ">]");
  }
  return false;
}

bool encode_failure::at_attribute(PyObject* name) noexcept {
  Py_ssize_t size = 0;
  const char* const utf8 = PyUnicode_AsUTF8AndSize(name, &size);
  if (utf8 == nullptr) PyErr_Clear();
  prepend('.' + (utf8 == nullptr ? std::string() : std::string(utf8, static_cast<size_t>(size))));
  return false;
}

void encode_failure::add_note() noexcept {
  const auto done = python::ref::steal(PyObject_CallMethod(
      exception_.get(), "add_note", "N", PyUnicode_FromFormat("while encoding result%s as JSON", place_.c_str())));
  if (!done) PyErr_Clear();
}

void encode_failure::raise() noexcept {
  const char* const place = place_.c_str();
  const char* const type = type_ ? reinterpret_cast<PyTypeObject*>(type_.get())->tp_name : "";
  switch (reason_) {
    case reason::none:
      PyErr_Format(PyExc_MemoryError, "result%s: the JSON is larger than its buffer may be", place);
      return;
    case reason::unsupported: {
      const bool awaitable = std::string_view(type) == "coroutine";
      PyErr_Format(PyExc_TypeError, "result%s: cannot encode object of type '%s' as JSON%s", place, type,
                   awaitable ? " (is an await missing?)" : "");
      return;
    }
    case reason::unsupported_key:
      PyErr_Format(PyExc_TypeError, "result%s: cannot encode a key of type '%s' as JSON", place, type);
      return;
    case reason::out_of_range:
      PyErr_Format(PyExc_ValueError, "Out of range float values are not JSON compliant: result%s is %s", place,
                   std::isnan(number_) ? "nan"
                   : number_ < 0       ? "-inf"
                                       : "inf");
      return;
    case reason::too_deep:
      PyErr_Format(PyExc_RecursionError, "result%s: nested too deep for JSON, or contains itself", place);
      return;
    case reason::changed_size:
      PyErr_Format(PyExc_RuntimeError, "result%s: dictionary changed size while it was encoded", place);
      return;
    case reason::caught:
      add_note();
      PyErr_SetRaisedException(exception_.release());
      return;
  }
}

}  // namespace fasterapi::bindings
