#include <cstring>
#include <new>
#include <utility>

#include "python/border.h"
#include "python/leaf.h"
#include "python/seen_objects.h"
#include "python/snapshot.h"

namespace fasterapi::python {

namespace {

// Text and bytes from this size on count as containers: what occurs twice is sent once, by pickle.
constexpr Py_ssize_t large_text_bytes = 1024;
// Bytes from this size on are copied once, where they arrive, and not into the parcel first.
constexpr Py_ssize_t lent_bytes_min = 65'536;

enum class outcome : uint8_t { done, failed, needs_pickle };

outcome written(bool ok) noexcept {
  if (ok) [[likely]]
    return outcome::done;
  PyErr_NoMemory();
  return outcome::failed;
}

block_layout layout_of(const Py_buffer& view) {
  block_layout layout;
  if (view.format != nullptr) layout.format = view.format;
  layout.item_size = view.itemsize;
  layout.shape.assign(view.shape, view.shape + view.ndim);
  layout.is_readonly = view.readonly != 0;
  return layout;
}

bool write_pickle(PyObject* data, size_t buffers, parcel& to) noexcept {
  const auto size = static_cast<size_t>(PyBytes_GET_SIZE(data));
  return written(to.put(parcel_tag::pickle) && to.put_size(buffers) && to.put_size(size) &&
                 to.put_bytes(PyBytes_AS_STRING(data), size)) == outcome::done;
}

}  // namespace

// Copies one object, and what it holds, to the end of a parcel.
class packer {
 public:
  packer(border& by, parcel& to, views how) noexcept : by_(by), to_(to), how_(how) {}

  outcome pack(PyObject* object) noexcept {
    if (object == Py_None) return written(to_.put(parcel_tag::none));
    PyTypeObject* type = Py_TYPE(object);
    if (type == &PyLong_Type) return put_integer(object, to_) ? outcome::done : outcome::failed;
    if (type == &PyUnicode_Type) {
      const bool is_large = PyUnicode_GET_LENGTH(object) >= large_text_bytes;
      if (is_large && seen_.meets(object)) return outcome::needs_pickle;
      return put_text(object, to_) ? outcome::done : outcome::failed;
    }
    if (type == &PyFloat_Type) {
      const double number = PyFloat_AS_DOUBLE(object);
      return written(to_.put_raw(parcel_tag::real, &number, sizeof number));
    }
    if (type == &PyBool_Type) return written(to_.put(object == Py_True ? parcel_tag::yes : parcel_tag::no));
    if (type == &PyTuple_Type && PyTuple_GET_SIZE(object) == 0) {
      return written(to_.put(parcel_tag::tuple) && to_.put_size(0));
    }
    if (type == &PyBytes_Type) return pack_bytes(object);
    if (type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type) return pack_container(object, type);
    if (type == &PyMemoryView_Type) return pack_view(object);
    return outcome::needs_pickle;
  }

  // Hands the memory of an object's buffer to the parcel; the block's index, or nothing with an exception set.
  bool add_buffer(PyObject* exporter) noexcept {
    Py_buffer view;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_FULL_RO) != 0) return false;
    if (PyBuffer_IsContiguous(&view, 'C') == 0) {
      PyBuffer_Release(&view);
      PyErr_SetString(PyExc_TypeError,
                      "a memoryview whose items do not lie one after the other cannot cross to another interpreter: "
                      "send memoryview(view.tobytes()), a copy");
      return false;
    }
    if (how_ == views::lent) {
      to_.add(block_ref(new lent_buffers::loan(view, layout_of(view), *by_.lent_)));
      return true;
    }
    const auto size = static_cast<size_t>(view.len);
    auto* copy = static_cast<char*>(std::malloc(size + 1));
    if (copy != nullptr) {
      std::memcpy(copy, view.buf, size);
      to_.add(block_ref(new heap_block(copy, size, layout_of(view))));
    }
    PyBuffer_Release(&view);
    if (copy == nullptr) PyErr_NoMemory();
    return copy != nullptr;
  }

 private:
  outcome pack_bytes(PyObject* object) noexcept {
    const Py_ssize_t size = PyBytes_GET_SIZE(object);
    if (size >= large_text_bytes && seen_.meets(object)) return outcome::needs_pickle;
    if (size >= lent_bytes_min && how_ == views::lent) {
      if (!add_buffer(object)) return outcome::failed;
      return written(to_.put(parcel_tag::lent_bytes) && to_.put_size(to_.blocks().size() - 1));
    }
    const auto count = static_cast<size_t>(size);
    return written(to_.put_sized(parcel_tag::bytes, count, PyBytes_AS_STRING(object), count));
  }

  outcome pack_container(PyObject* object, PyTypeObject* type) noexcept {
    if (depth_ == parcel_depth_max || seen_.meets(object)) return outcome::needs_pickle;
    ++depth_;
    const outcome how = type == &PyDict_Type ? pack_dict(object) : pack_items(object, type);
    --depth_;
    return how;
  }

  outcome pack_items(PyObject* object, PyTypeObject* type) noexcept {
    const ref whole = snapshot_of(object);
    if (!whole) return outcome::failed;
    const auto count = static_cast<size_t>(Py_SIZE(whole.get()));
    const parcel_tag tag = type == &PyTuple_Type ? parcel_tag::tuple : parcel_tag::list;
    if (!to_.put(tag) || !to_.put_size(count)) return written(false);
    PyObject** items = PySequence_Fast_ITEMS(whole.get());
    for (size_t i = 0; i < count; ++i) {
      if (const outcome how = pack(items[i]); how != outcome::done) return how;
    }
    return outcome::done;
  }

  outcome pack_dict(PyObject* object) noexcept {
    const ref whole = snapshot_of(object);
    if (!whole) return outcome::failed;
    if (!to_.put(parcel_tag::dict) || !to_.put_size(static_cast<size_t>(PyDict_GET_SIZE(whole.get())))) {
      return written(false);
    }
    PyObject *key, *item;
    for (Py_ssize_t place = 0; PyDict_Next(whole.get(), &place, &key, &item) != 0;) {
      if (const outcome how = pack(key); how != outcome::done) return how;
      if (const outcome how = pack(item); how != outcome::done) return how;
    }
    return outcome::done;
  }

  outcome pack_view(PyObject* object) noexcept {
    if (seen_.meets(object)) return outcome::needs_pickle;
    if (!add_buffer(object)) return outcome::failed;
    return written(to_.put(parcel_tag::view) && to_.put_size(to_.blocks().size() - 1));
  }

  border& by_;
  parcel& to_;
  views how_;
  int depth_ = 0;
  seen_objects seen_;
};

bool border::pickle(PyObject* object, parcel& into, views how) noexcept {
  into.clear();
  const ref buffers = ref::steal(PyList_New(0));
  if (!buffers || !load_pickle()) return false;
  const ref take = ref::steal(PyObject_GetAttrString(buffers.get(), "append"));
  const ref arguments = ref::steal(Py_BuildValue("(Oi)", object, 5));
  const ref named = take ? ref::steal(Py_BuildValue("{s:O}", "buffer_callback", take.get())) : ref();
  if (!arguments || !named) return false;
  const ref data = ref::steal(PyObject_Call(dumps_.get(), arguments.get(), named.get()));
  if (!data) return false;
  packer to(*this, into, how);
  const Py_ssize_t count = PyList_GET_SIZE(buffers.get());
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!to.add_buffer(PyList_GET_ITEM(buffers.get(), i))) return false;
  }
  return write_pickle(data.get(), static_cast<size_t>(count), into);
}

bool border::wrap_pickle(PyObject* data, parcel& into) noexcept {
  into.clear();
  return write_pickle(data, 0, into);
}

bool border::pack(PyObject* object, parcel& into, views how) noexcept {
  lent_->settle();
  into.clear();
  const outcome done = packer(*this, into, how).pack(object);
  if (done == outcome::done) [[likely]]
    return true;
  return done == outcome::needs_pickle && pickle(object, into, how);
}

bool border::pack_call(PyObject* const* arguments, size_t count, PyObject* keywords, parcel& into) noexcept {
  lent_->settle();
  into.clear();
  const auto named = static_cast<size_t>(keywords != nullptr ? PyTuple_GET_SIZE(keywords) : 0);
  packer to(*this, into, views::lent);
  outcome how = written(into.put(parcel_tag::call) && into.put_size(count) && into.put_size(named));
  for (size_t i = 0; i < named && how == outcome::done; ++i) {
    how = to.pack(PyTuple_GET_ITEM(keywords, static_cast<Py_ssize_t>(i)));
  }
  for (size_t i = 0; i < count + named && how == outcome::done; ++i) how = to.pack(arguments[i]);
  if (how != outcome::needs_pickle) return how == outcome::done;

  const ref tuple = ref::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
  const ref dict = ref::steal(PyDict_New());
  if (!tuple || !dict) return false;
  for (size_t i = 0; i < count; ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), Py_NewRef(arguments[i]));
  }
  for (size_t i = 0; i < named; ++i) {
    PyObject* name = PyTuple_GET_ITEM(keywords, static_cast<Py_ssize_t>(i));
    if (PyDict_SetItem(dict.get(), name, arguments[count + i]) != 0) return false;
  }
  const ref whole = ref::steal(PyTuple_Pack(2, tuple.get(), dict.get()));
  return whole && pickle(whole.get(), into, views::lent);
}

}  // namespace fasterapi::python
