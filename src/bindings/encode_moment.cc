#include "bindings/encode_moment.h"

#include <datetime.h>

#include <string_view>

namespace fasterapi::bindings {

namespace {

// The last `digits` digits of a number that has no more, with leading zeros; returns the end.
char* write_digits(char* to, int number, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return to + digits;
}

}  // namespace

bool is_builtin_datetime(PyTypeObject* type) noexcept {
  return std::string_view(type->tp_name) == "datetime.datetime" && (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 &&
         type->tp_basicsize == sizeof(PyDateTime_DateTime);
}

bool write_datetime(core::byte_buffer& out, PyObject* datetime, PyObject* utc) noexcept {
  PyObject* const zone = PyDateTime_DATE_GET_TZINFO(datetime);
  if (zone != Py_None && zone != utc) return false;
  constexpr size_t longest = sizeof("\"2024-02-29T12:30:00.000001+00:00\"");
  char* const start = out.prepare(longest);
  if (start == nullptr) return true;
  char* to = start;
  *to++ = '"';
  to = write_digits(to, PyDateTime_GET_YEAR(datetime), 4);
  *to++ = '-';
  to = write_digits(to, PyDateTime_GET_MONTH(datetime), 2);
  *to++ = '-';
  to = write_digits(to, PyDateTime_GET_DAY(datetime), 2);
  *to++ = 'T';
  to = write_digits(to, PyDateTime_DATE_GET_HOUR(datetime), 2);
  *to++ = ':';
  to = write_digits(to, PyDateTime_DATE_GET_MINUTE(datetime), 2);
  *to++ = ':';
  to = write_digits(to, PyDateTime_DATE_GET_SECOND(datetime), 2);
  if (const int microsecond = PyDateTime_DATE_GET_MICROSECOND(datetime); microsecond != 0) {
    *to++ = '.';
    to = write_digits(to, microsecond, 6);
  }
  if (zone == utc) to += std::string_view("+00:00").copy(to, 6);
  *to++ = '"';
  out.commit(static_cast<size_t>(to - start));
  return true;
}

}  // namespace fasterapi::bindings
