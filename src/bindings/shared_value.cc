#include "bindings/shared_value.h"

#include <cmath>
#include <string>

#include "fasterapi/python/ref.h"
#include "python/border.h"
#include "python/leaf.h"
#include "python/snapshot.h"
#include "shared/map.h"
#include "shared/scalar.h"

namespace fasterapi::bindings {

namespace {

using python::parcel;
using python::parcel_tag;
using python::ref;

// A map adds to numbers without knowing parcels.
static_assert(static_cast<char>(shared::scalar::tag::integer) == static_cast<char>(parcel_tag::integer));
static_assert(static_cast<char>(shared::scalar::tag::real) == static_cast<char>(parcel_tag::real));

bool written(bool ok) {
  if (!ok) PyErr_NoMemory();
  return ok;
}

// Packs one value, and remembers on the way out of a failure where in it the failure lies.
class plain_packer {
 public:
  plain_packer(parcel& to, bool is_key) noexcept : to_(to), is_key_(is_key) {}

  bool pack(PyObject* object) {
    if (object == Py_None) return written(to_.put(parcel_tag::none));
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyLong_Type) return pack_integer(object);
    if (type == &PyUnicode_Type) return python::put_text(object, to_);
    if (type == &PyFloat_Type) return pack_real(object);
    if (type == &PyBool_Type) return pack_truth(object == Py_True);
    if (type == &PyBytes_Type) {
      const auto size = static_cast<size_t>(PyBytes_GET_SIZE(object));
      return written(to_.put_sized(parcel_tag::bytes, size, PyBytes_AS_STRING(object), size));
    }
    if (type == &PyTuple_Type || (type == &PyList_Type && !is_key_)) return nested(object, &plain_packer::pack_items);
    if (type == &PyDict_Type && !is_key_) return nested(object, &plain_packer::pack_dict);
    refused_ = type;
    return false;
  }

  // Sets the exception for a type that was refused.
  void raise() const {
    if (refused_ == nullptr || PyErr_Occurred() != nullptr) return;
    PyErr_Format(PyExc_TypeError,
                 is_key_ ? "%s%s cannot be a key in shared memory: %.100s is none of None, bool, int, "
                           "float, str, bytes and tuple"
                         : "%s%s cannot be kept in shared memory: %.100s is none of None, bool, int, "
                           "float, str, bytes, tuple, list and dict",
                 is_key_ ? "the key" : "the value", path_.c_str(), refused_->tp_name);
  }

 private:
  // In nine bytes where it fits, so that a map can add to it.
  bool pack_integer(PyObject* object) {
    int overflow = 0;
    const int64_t small = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow != 0) return python::put_integer(object, to_);
    return written(to_.put_raw(parcel_tag::integer, &small, sizeof small));
  }

  bool pack_truth(bool truth) {
    const int64_t number = truth ? 1 : 0;
    if (is_key_) return written(to_.put_raw(parcel_tag::integer, &number, sizeof number));
    return written(to_.put(truth ? parcel_tag::yes : parcel_tag::no));
  }

  bool pack_real(PyObject* object) {
    const double number = PyFloat_AS_DOUBLE(object);
    if (!is_key_ || !std::isfinite(number) || number != std::floor(number)) {
      return written(to_.put_raw(parcel_tag::real, &number, sizeof number));
    }
    const ref whole = ref::steal(PyLong_FromDouble(number));
    return whole && pack_integer(whole.get());
  }

  bool nested(PyObject* object, bool (plain_packer::*pack_content)(PyObject*)) {
    if (depth_ == python::parcel_depth_max) {
      PyErr_Format(PyExc_ValueError, "values for shared memory lie at most %d deep in each other",
                   python::parcel_depth_max);
      return false;
    }
    ++depth_;
    const bool done = (this->*pack_content)(object);
    --depth_;
    return done;
  }

  bool pack_items(PyObject* object) {
    const ref whole = python::snapshot_of(object);
    if (!whole) return false;
    const auto count = static_cast<size_t>(Py_SIZE(whole.get()));
    const bool is_tuple = PyTuple_CheckExact(object) != 0;
    if (!to_.put(is_tuple ? parcel_tag::tuple : parcel_tag::list) || !to_.put_size(count)) return written(false);
    PyObject** items = PySequence_Fast_ITEMS(whole.get());
    for (size_t i = 0; i < count; ++i) {
      if (!pack(items[i])) return failed_below("[" + std::to_string(i) + "]");
    }
    return true;
  }

  bool pack_dict(PyObject* object) {
    const ref whole = python::snapshot_of(object);
    if (!whole) return false;
    if (!to_.put(parcel_tag::dict) || !to_.put_size(static_cast<size_t>(PyDict_GET_SIZE(whole.get())))) {
      return written(false);
    }
    PyObject *key, *item;
    for (Py_ssize_t place = 0; PyDict_Next(whole.get(), &place, &key, &item) != 0;) {
      if (!pack(key)) return failed_below(" (a key of it)");
      if (pack(item)) continue;
      const ref text = ref::steal(PyErr_Occurred() == nullptr ? PyObject_Repr(key) : nullptr);
      const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
      return failed_below("[" + std::string(utf8 == nullptr ? "…" : utf8) + "]");
    }
    return true;
  }

  bool failed_below(std::string step) {
    path_ = std::move(step) + path_;
    return false;
  }

  parcel& to_;
  bool is_key_;
  int depth_ = 0;
  PyTypeObject* refused_ = nullptr;
  std::string path_;
};

bool pack_with(plain_packer packer, PyObject* value) {
  if (packer.pack(value)) [[likely]]
    return true;
  packer.raise();
  return false;
}

}  // namespace

bool pack_plain(PyObject* value, parcel& into) {
  if (!pack_with(plain_packer(into, false), value)) return false;
  if (into.size() <= shared::map_value_max_bytes) return true;
  PyErr_SetString(PyExc_ValueError, "a value in shared memory has at most 1 GiB");
  return false;
}

bool pack_key(PyObject* key, parcel& into) {
  if (!pack_with(plain_packer(into, true), key)) return false;
  if (into.size() <= shared::map_key_max_bytes) return true;
  PyErr_Format(PyExc_ValueError, "a key in shared memory has at most %zu bytes", shared::map_key_max_bytes);
  return false;
}

PyObject* unpack_plain(std::string_view bytes) {
  python::border* border = python::border::here();
  if (border == nullptr) return nullptr;
  parcel from;
  if (!from.put_bytes(bytes.data(), bytes.size())) return PyErr_NoMemory();
  return border->unpack(from);
}

}  // namespace fasterapi::bindings
