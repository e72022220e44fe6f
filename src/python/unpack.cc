#include <array>
#include <cstring>
#include <vector>

#include "python/border.h"

namespace fasterapi::python {

namespace {

PyObject* big_integer(const char* bytes, size_t size) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return PyLong_FromNativeBytes(bytes, size, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
#else
  return _PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(bytes), size, 1, 1);
#endif
}

// In groups, since Python bounds the number of decimal digits that it reads at once.
PyObject* integer_of_digits(const char* digits, size_t size) noexcept {
  ref total = ref::steal(PyLong_FromLong(0));
  const ref base = ref::steal(PyLong_FromLong(1'000'000'000'000'000'000));
  const bool is_negative = size != 0 && *digits == '-';
  for (size_t at = is_negative ? 1 : 0; at < size && total && base;) {
    const size_t count = (size - at) % 18 == 0 ? 18 : (size - at) % 18;
    int64_t group = 0;
    for (const size_t end = at + count; at < end; ++at) group = group * 10 + (digits[at] - '0');
    const ref scaled = ref::steal(PyNumber_Multiply(total.get(), base.get()));
    const ref added = ref::steal(PyLong_FromLongLong(group));
    total = scaled && added ? ref::steal(PyNumber_Add(scaled.get(), added.get())) : ref();
  }
  if (!total || !base) return nullptr;
  return is_negative ? PyNumber_Negative(total.get()) : total.release();
}

PyObject* text_of(const char* units, size_t count, Py_UCS4 largest, size_t unit) noexcept {
  if (count == 0) return PyUnicode_New(0, 0);
  PyObject* made = PyUnicode_New(static_cast<Py_ssize_t>(count), largest);
  if (made != nullptr) std::memcpy(PyUnicode_DATA(made), units, count * unit);
  return made;
}

}  // namespace

// Makes the objects of a parcel, one after the other. Each function gives a new reference, or null with an exception.
class unpacker {
 public:
  unpacker(border& by, const parcel& whole) noexcept : by_(by), whole_(whole), from_(whole) {}

  parcel_reader& reader() noexcept { return from_; }

  PyObject* next() noexcept {
    const parcel_tag tag = from_.tag();
    switch (tag) {
      case parcel_tag::none:
        return Py_NewRef(Py_None);
      case parcel_tag::no:
        return Py_NewRef(Py_False);
      case parcel_tag::yes:
        return Py_NewRef(Py_True);
      case parcel_tag::small_integer:
        return PyLong_FromLong(from_.number<int8_t>());
      case parcel_tag::integer:
        return PyLong_FromLongLong(from_.number<int64_t>());
      case parcel_tag::real:
        return PyFloat_FromDouble(from_.number<double>());
      case parcel_tag::ascii:
        return text(127, 1);
      case parcel_tag::latin1:
        return text(255, 1);
      case parcel_tag::ucs2:
        return text(0xffff, 2);
      case parcel_tag::ucs4:
        return text(0x10ffff, 4);
      case parcel_tag::tuple:
        return tuple();
      case parcel_tag::list:
        return list();
      case parcel_tag::dict:
        return dict();
      case parcel_tag::view:
        return by_.view_of(whole_.blocks()[from_.size()]);
      case parcel_tag::lent_bytes: {
        const block_ref& block = whole_.blocks()[from_.size()];
        return PyBytes_FromStringAndSize(block->data(), static_cast<Py_ssize_t>(block->size()));
      }
      case parcel_tag::pickle:
        return by_.unpickle(from_, whole_);
      case parcel_tag::bytes:
      case parcel_tag::big_integer:
      case parcel_tag::digits:
      case parcel_tag::utf8:
        return sized(tag);
      case parcel_tag::call:
        break;
    }
    PyErr_SetString(PyExc_SystemError, "a parcel of arguments was opened as a value");
    return nullptr;
  }

 private:
  PyObject* sized(parcel_tag tag) noexcept {
    const size_t size = from_.size();
    const char* bytes = from_.raw(size);
    const auto signed_size = static_cast<Py_ssize_t>(size);
    if (tag == parcel_tag::bytes) return PyBytes_FromStringAndSize(bytes, signed_size);
    if (tag == parcel_tag::big_integer) return big_integer(bytes, size);
    if (tag == parcel_tag::digits) return integer_of_digits(bytes, size);
    return PyUnicode_DecodeUTF8(bytes, signed_size, "surrogatepass");
  }

  PyObject* text(Py_UCS4 largest, size_t unit) noexcept {
    const size_t count = from_.size();
    return text_of(from_.raw(count * unit), count, largest, unit);
  }

  PyObject* tuple() noexcept {
    const auto count = static_cast<Py_ssize_t>(from_.size());
    ref made = ref::steal(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count && made; ++i) {
      PyObject* item = next();
      if (item == nullptr) return nullptr;
      PyTuple_SET_ITEM(made.get(), i, item);
    }
    return made.release();
  }

  PyObject* list() noexcept {
    const auto count = static_cast<Py_ssize_t>(from_.size());
    ref made = ref::steal(PyList_New(count));
    for (Py_ssize_t i = 0; i < count && made; ++i) {
      PyObject* item = next();
      if (item == nullptr) return nullptr;
      PyList_SET_ITEM(made.get(), i, item);
    }
    return made.release();
  }

  PyObject* dict() noexcept {
    const size_t count = from_.size();
    ref made = ref::steal(PyDict_New());
    for (size_t i = 0; i < count && made; ++i) {
      const ref key = ref::steal(next());
      const ref item = key ? ref::steal(next()) : ref();
      if (!item || PyDict_SetItem(made.get(), key.get(), item.get()) != 0) return nullptr;
    }
    return made.release();
  }

  border& by_;
  const parcel& whole_;
  parcel_reader from_;
};

PyObject* border::unpickle(parcel_reader& from, const parcel& whole) noexcept {
  const size_t count = from.size();
  const size_t size = from.size();
  const char* bytes = from.raw(size);
  const ref buffers = ref::steal(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!buffers || !load_pickle()) return nullptr;
  for (size_t i = 0; i < count; ++i) {
    PyObject* view = view_of(whole.blocks()[i]);
    if (view == nullptr) return nullptr;
    PyList_SET_ITEM(buffers.get(), static_cast<Py_ssize_t>(i), view);
  }
  const ref data =
      ref::steal(PyMemoryView_FromMemory(const_cast<char*>(bytes), static_cast<Py_ssize_t>(size), PyBUF_READ));
  const ref arguments = data ? ref::steal(PyTuple_Pack(1, data.get())) : ref();
  const ref named = ref::steal(Py_BuildValue("{s:O}", "buffers", buffers.get()));
  return arguments && named ? PyObject_Call(loads_.get(), arguments.get(), named.get()) : nullptr;
}

PyObject* border::unpack(const parcel& from) noexcept {
  if (from.size() == 0) return Py_NewRef(Py_None);
  return unpacker(*this, from).next();
}

PyObject* border::call(PyObject* callable, const parcel& arguments) noexcept {
  unpacker from(*this, arguments);
  if (from.reader().peek() == parcel_tag::pickle) {
    const ref whole = ref::steal(from.next());
    if (!whole) return nullptr;
    return PyObject_Call(callable, PyTuple_GET_ITEM(whole.get(), 0), PyTuple_GET_ITEM(whole.get(), 1));
  }
  from.reader().tag();
  const size_t count = from.reader().size();
  const size_t named = from.reader().size();
  ref names = named != 0 ? ref::steal(PyTuple_New(static_cast<Py_ssize_t>(named))) : ref();
  for (size_t i = 0; i < named; ++i) {
    PyObject* name = names ? from.next() : nullptr;
    if (name == nullptr) return nullptr;
    PyUnicode_InternInPlace(&name);
    PyTuple_SET_ITEM(names.get(), static_cast<Py_ssize_t>(i), name);
  }
  std::array<PyObject*, 9> few;  // the first place is the callee's own, as PY_VECTORCALL_ARGUMENTS_OFFSET says
  std::vector<PyObject*> many(count + named < few.size() ? 0 : count + named + 1);
  PyObject** const items = (many.empty() ? few.data() : many.data()) + 1;
  size_t ready = 0;
  for (; ready < count + named; ++ready) {
    items[ready] = from.next();
    if (items[ready] == nullptr) break;
  }
  PyObject* made = nullptr;
  if (ready == count + named) {
    made = PyObject_Vectorcall(callable, items, count | PY_VECTORCALL_ARGUMENTS_OFFSET, names.get());
  }
  while (ready > 0) Py_DECREF(items[--ready]);
  return made;
}

}  // namespace fasterapi::python
