#include "python/leaf.h"

namespace fasterapi::python {

namespace {

bool written(bool ok) noexcept {
  if (!ok) PyErr_NoMemory();
  return ok;
}

size_t big_integer_bytes(PyObject* number) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return static_cast<size_t>(PyLong_AsNativeBytes(number, nullptr, 0, Py_ASNATIVEBYTES_LITTLE_ENDIAN));
#else
  return _PyLong_NumBits(number) / 8 + 1;
#endif
}

bool copy_big_integer(PyObject* number, char* to, size_t size) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return PyLong_AsNativeBytes(number, to, static_cast<Py_ssize_t>(size), Py_ASNATIVEBYTES_LITTLE_ENDIAN) >= 0;
#else
  return _PyLong_AsByteArray(reinterpret_cast<PyLongObject*>(number), reinterpret_cast<unsigned char*>(to), size, 1,
                             1) == 0;
#endif
}

}  // namespace

bool put_integer(PyObject* number, parcel& to) noexcept {
  int overflow = 0;
  const int64_t small = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow == 0) {
    if (small >= INT8_MIN && small <= INT8_MAX) {
      const auto byte = static_cast<int8_t>(small);
      return written(to.put_raw(parcel_tag::small_integer, &byte, sizeof byte));
    }
    return written(to.put_raw(parcel_tag::integer, &small, sizeof small));
  }
  const size_t size = big_integer_bytes(number);
  if (!to.put(parcel_tag::big_integer) || !to.put_size(size)) return written(false);
  char* place = to.extend(size);
  if (place == nullptr) return written(false);
  return copy_big_integer(number, place, size);
}

bool put_text(PyObject* text, parcel& to) noexcept {
  const auto count = static_cast<size_t>(PyUnicode_GET_LENGTH(text));
  const auto unit = static_cast<size_t>(PyUnicode_KIND(text));
  const parcel_tag tag = PyUnicode_IS_ASCII(text)       ? parcel_tag::ascii
                         : unit == PyUnicode_1BYTE_KIND ? parcel_tag::latin1
                         : unit == PyUnicode_2BYTE_KIND ? parcel_tag::ucs2
                                                        : parcel_tag::ucs4;
  return written(to.put_sized(tag, count, PyUnicode_DATA(text), count * unit));
}

}  // namespace fasterapi::python
