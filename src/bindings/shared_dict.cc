#include <new>
#include <optional>

#include "bindings/shared_named.h"
#include "bindings/shared_types.h"
#include "bindings/shared_value.h"
#include "fasterapi/python/ref.h"
#include "shared/map.h"

namespace fasterapi::bindings {

namespace {

using python::parcel;
using python::ref;
using outcome = shared::map::outcome;

struct dict_object {
  PyObject_HEAD PyObject* name;
  PyObject* max_items;  // as given, for pickling
  PyObject* ttl_s;
  const shared::region* region;
  shared::map_object* map;
};

dict_object& in(PyObject* self) noexcept { return *reinterpret_cast<dict_object*>(self); }
shared::map map_of(PyObject* self) noexcept { return {*in(self).region, *in(self).map}; }

PyObject* raise_missing(PyObject* key) {
  PyErr_SetObject(PyExc_KeyError, key);
  return nullptr;
}

bool read_options(PyObject* max_items, PyObject* ttl_s, shared::map_options& into) {
  if (max_items != Py_None) {
    const long long count = PyLong_AsLongLong(max_items);
    if (count == -1 && PyErr_Occurred() != nullptr) return false;
    if (count < 1) {
      PyErr_SetString(PyExc_ValueError, "max_items must be at least 1");
      return false;
    }
    into.max_items = static_cast<uint64_t>(count);
  }
  return ttl_s == Py_None || read_seconds(ttl_s, "ttl_s", 0, into.ttl_ns);
}

PyObject* dict_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject *name = nullptr, *max_items = Py_None, *ttl_s = Py_None;
  static const char* names[] = {"name", "max_items", "ttl_s", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|OO:Dict", const_cast<char**>(names), &name, &max_items, &ttl_s)) {
    return nullptr;
  }
  shared::map_options options;
  if (!read_options(max_items, ttl_s, options)) return nullptr;
  const shared::region* region = shared_region();
  if (region == nullptr) return nullptr;
  const shared::object_plan plan{shared::object_kind::dict,
                                 {options.max_items, options.ttl_ns},
                                 shared::map_object::bytes(options),
                                 [](void* memory, const void* context) {
                                   new (memory) shared::map_object(*static_cast<const shared::map_options*>(context));
                                 },
                                 &options};
  void* opened = open_shared(*region, name, plan);
  if (opened == nullptr) return nullptr;
  PyObject* made = type->tp_alloc(type, 0);
  if (made == nullptr) return nullptr;
  in(made) = {in(made).ob_base, Py_NewRef(name), Py_NewRef(max_items),
              Py_NewRef(ttl_s), region,          static_cast<shared::map_object*>(opened)};
  return made;
}

void dict_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(in(self).name);
  Py_CLEAR(in(self).max_items);
  Py_CLEAR(in(self).ttl_s);
  type->tp_free(self);
  Py_DECREF(type);
}

// When an entry stored with that `ttl_s` (None: the dict's own) expires.
bool read_expiry(PyObject* self, PyObject* ttl_s, uint64_t& expires_ns) {
  std::optional<uint64_t> ttl_ns;
  if (ttl_s != Py_None && !read_seconds(ttl_s, "ttl_s", 0, ttl_ns.emplace())) return false;
  expires_ns = map_of(self).expiry(ttl_ns);
  return true;
}

// The value and its version. A new reference; null without an exception where there is none.
PyObject* look_up(PyObject* self, PyObject* key, uint64_t* version = nullptr) {
  parcel packed;
  if (!pack_key(key, packed)) return nullptr;
  core::byte_buffer bytes;
  gil_patience waiting;
  const uint64_t found = map_of(self).get(packed.bytes(), bytes, waiting);
  if (version != nullptr) *version = found;
  if (found == shared::map::absent) return nullptr;
  return bytes.failed() ? PyErr_NoMemory() : unpack_plain(bytes.view());
}

// Whether it was stored; nothing with an exception set.
std::optional<bool> store(PyObject* self, PyObject* key, PyObject* value, uint64_t expires_ns,
                          std::optional<uint64_t> if_version) {
  parcel packed_key, packed_value;
  if (!pack_key(key, packed_key) || !pack_plain(value, packed_value)) return std::nullopt;
  gil_patience waiting;
  const outcome done = map_of(self).set(packed_key.bytes(), packed_value.bytes(), expires_ns, if_version, waiting);
  if (done != outcome::full) return done == outcome::done;
  raise_shared_full(*in(self).region);
  return std::nullopt;
}

PyObject* dict_subscript(PyObject* self, PyObject* key) {
  PyObject* found = look_up(self, key);
  return found != nullptr || PyErr_Occurred() != nullptr ? found : raise_missing(key);
}

int dict_assign(PyObject* self, PyObject* key, PyObject* value) {
  if (value != nullptr) {
    return store(self, key, value, map_of(self).expiry(std::nullopt), std::nullopt) ? 0 : -1;
  }
  parcel packed;
  if (!pack_key(key, packed)) return -1;
  gil_patience waiting;
  if (map_of(self).remove(packed.bytes(), nullptr, waiting)) return 0;
  raise_missing(key);
  return -1;
}

int dict_contains(PyObject* self, PyObject* key) {
  parcel packed;
  if (!pack_key(key, packed)) return -1;
  gil_patience waiting;
  return map_of(self).contains(packed.bytes(), waiting) ? 1 : 0;
}

Py_ssize_t dict_length(PyObject* self) {
  gil_patience waiting;
  return static_cast<Py_ssize_t>(map_of(self).size(waiting));
}

PyObject* dict_get(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count < 1 || count > 2) return PyErr_Format(PyExc_TypeError, "get() takes 1 or 2 arguments (%zd given)", count);
  PyObject* found = look_up(self, args[0]);
  if (found != nullptr || PyErr_Occurred() != nullptr) return found;
  return Py_NewRef(count == 2 ? args[1] : Py_None);
}

PyObject* dict_set(PyObject* self, PyObject* args, PyObject* keywords) {
  PyObject *key = nullptr, *value = nullptr, *ttl_s = Py_None;
  static const char* names[] = {"", "", "ttl_s", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|$O:set", const_cast<char**>(names), &key, &value, &ttl_s)) {
    return nullptr;
  }
  uint64_t expires_ns = 0;
  if (!read_expiry(self, ttl_s, expires_ns) || !store(self, key, value, expires_ns, std::nullopt)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* dict_pop(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count < 1 || count > 2) return PyErr_Format(PyExc_TypeError, "pop() takes 1 or 2 arguments (%zd given)", count);
  parcel packed;
  if (!pack_key(args[0], packed)) return nullptr;
  core::byte_buffer bytes;
  gil_patience waiting;
  if (!map_of(self).remove(packed.bytes(), &bytes, waiting)) {
    return count == 2 ? Py_NewRef(args[1]) : raise_missing(args[0]);
  }
  return bytes.failed() ? PyErr_NoMemory() : unpack_plain(bytes.view());
}

PyObject* dict_setdefault(PyObject* self, PyObject* args, PyObject* keywords) {
  PyObject *key = nullptr, *value = Py_None, *ttl_s = Py_None;
  static const char* names[] = {"", "", "ttl_s", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O$O:setdefault", const_cast<char**>(names), &key, &value,
                                   &ttl_s)) {
    return nullptr;
  }
  uint64_t expires_ns = 0;
  if (!read_expiry(self, ttl_s, expires_ns)) return nullptr;
  for (;;) {
    PyObject* found = look_up(self, key);
    if (found != nullptr || PyErr_Occurred() != nullptr) return found;
    const std::optional<bool> stored = store(self, key, value, expires_ns, shared::map::absent);
    if (!stored) return nullptr;
    if (*stored) return Py_NewRef(value);
  }
}

// Any two numbers: compute here, store if nobody was faster.
PyObject* add_slowly(PyObject* self, PyObject* key, PyObject* more, uint64_t expires_ns) {
  for (;;) {
    uint64_t version = 0;
    ref before = ref::steal(look_up(self, key, &version));
    if (!before && PyErr_Occurred() != nullptr) return nullptr;
    if (!before) before = ref::steal(PyLong_FromLong(0));
    if (!PyLong_CheckExact(before.get()) && !PyFloat_CheckExact(before.get())) {
      PyErr_Format(PyExc_TypeError, "the value of %R is no number but %.100s", key, Py_TYPE(before.get())->tp_name);
      return nullptr;
    }
    ref sum = ref::steal(PyNumber_Add(before.get(), more));
    if (!sum) return nullptr;
    const std::optional<bool> stored = store(self, key, sum.get(), expires_ns, version);
    if (!stored) return nullptr;
    if (*stored) return sum.release();
  }
}

PyObject* dict_add(PyObject* self, PyObject* args, PyObject* keywords) {
  PyObject *key = nullptr, *more = nullptr, *ttl_s = Py_None;
  static const char* names[] = {"", "", "ttl_s", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O$O:add", const_cast<char**>(names), &key, &more, &ttl_s)) {
    return nullptr;
  }
  uint64_t expires_ns = 0;
  if (!read_expiry(self, ttl_s, expires_ns)) return nullptr;
  shared::scalar number = shared::scalar::of(int64_t{1});
  int overflow = 0;
  if (more != nullptr && PyFloat_CheckExact(more)) {
    number = shared::scalar::of(PyFloat_AS_DOUBLE(more));
  } else if (more != nullptr && PyLong_CheckExact(more)) {
    number = shared::scalar::of(static_cast<int64_t>(PyLong_AsLongLongAndOverflow(more, &overflow)));
  } else if (more != nullptr) {
    return PyErr_Format(PyExc_TypeError, "add() takes an int or a float, not %.100s", Py_TYPE(more)->tp_name);
  }
  if (overflow == 0) {
    parcel packed;
    if (!pack_key(key, packed)) return nullptr;
    gil_patience waiting;
    shared::scalar sum;
    const outcome done = map_of(self).add(packed.bytes(), number, expires_ns, sum, waiting);
    if (done == outcome::full) return raise_shared_full(*in(self).region);
    if (done == outcome::done) {
      return sum.kind == shared::scalar::tag::real ? PyFloat_FromDouble(sum.real) : PyLong_FromLongLong(sum.integer);
    }
  }
  const ref one = ref::steal(more == nullptr ? PyLong_FromLong(1) : Py_NewRef(more));
  return one ? add_slowly(self, key, one.get(), expires_ns) : nullptr;
}

PyDoc_STRVAR(read_doc,
             "_read($self, key, missing, /)\n--\n\n"
             "The value, or missing, and its version, for _write.");

PyObject* dict_read(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "_read() takes 2 arguments (%zd given)", count);
  uint64_t version = 0;
  ref found = ref::steal(look_up(self, args[0], &version));
  if (!found && PyErr_Occurred() != nullptr) return nullptr;
  if (!found) found = ref::share(args[1]);
  return Py_BuildValue("OK", found.get(), static_cast<unsigned long long>(version));
}

PyDoc_STRVAR(write_doc,
             "_write($self, key, value, version, ttl_s, /)\n--\n\n"
             "Store, if the entry has that version still; returns whether it had.");

PyObject* dict_write(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 4) return PyErr_Format(PyExc_TypeError, "_write() takes 4 arguments (%zd given)", count);
  const unsigned long long version = PyLong_AsUnsignedLongLong(args[2]);
  if (version == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  uint64_t expires_ns = 0;
  if (!read_expiry(self, args[3], expires_ns)) return nullptr;
  const std::optional<bool> stored = store(self, args[0], args[1], expires_ns, version);
  return stored ? PyBool_FromLong(*stored ? 1 : 0) : nullptr;
}

// A list of make(key bytes, value bytes) for each entry.
template <typename Make>
PyObject* list_of(PyObject* self, Make make) {
  core::byte_buffer bytes;
  gil_patience waiting;
  map_of(self).copy(bytes, waiting);
  if (bytes.failed()) return PyErr_NoMemory();
  ref made = ref::steal(PyList_New(0));
  for (size_t at = 0; made && at < bytes.size();) {
    uint64_t sizes[2];
    std::memcpy(sizes, bytes.data() + at, sizeof sizes);
    const char* key = bytes.data() + at + sizeof sizes;
    const ref item = ref::steal(make(std::string_view(key, sizes[0]), std::string_view(key + sizes[0], sizes[1])));
    if (!item || PyList_Append(made.get(), item.get()) != 0) return nullptr;
    at += sizeof sizes + sizes[0] + sizes[1];
  }
  return made.release();
}

PyObject* dict_keys(PyObject* self, PyObject*) {
  return list_of(self, [](std::string_view key, std::string_view) { return unpack_plain(key); });
}

PyObject* dict_values(PyObject* self, PyObject*) {
  return list_of(self, [](std::string_view, std::string_view value) { return unpack_plain(value); });
}

PyObject* dict_items(PyObject* self, PyObject*) {
  return list_of(self, [](std::string_view key, std::string_view value) -> PyObject* {
    const ref made_key = ref::steal(unpack_plain(key));
    const ref made_value = made_key ? ref::steal(unpack_plain(value)) : ref();
    return made_value ? PyTuple_Pack(2, made_key.get(), made_value.get()) : nullptr;
  });
}

PyObject* dict_iter(PyObject* self) {
  const ref keys = ref::steal(dict_keys(self, nullptr));
  return keys ? PyObject_GetIter(keys.get()) : nullptr;
}

PyObject* dict_clear(PyObject* self, PyObject*) {
  gil_patience waiting;
  map_of(self).clear(waiting);
  Py_RETURN_NONE;
}

PyObject* dict_stats(PyObject* self, PyObject*) {
  gil_patience waiting;
  const shared::map_stats stats = map_of(self).stats(waiting);
  const auto number = [](uint64_t count) { return static_cast<unsigned long long>(count); };
  return Py_BuildValue("{sKsKsKsK}", "hits", number(stats.hits), "misses", number(stats.misses), "evictions",
                       number(stats.evictions), "expirations", number(stats.expirations));
}

PyObject* dict_name(PyObject* self, void*) { return Py_NewRef(in(self).name); }

PyObject* dict_reduce(PyObject* self, PyObject*) {
  return Py_BuildValue("O(OOO)", Py_TYPE(self), in(self).name, in(self).max_items, in(self).ttl_s);
}

PyObject* dict_repr(PyObject* self) {
  return PyUnicode_FromFormat("Dict(%R): %zd items", in(self).name, dict_length(self));
}

PyMethodDef methods[] = {
    {"get", as_method(dict_get), METH_FASTCALL, "get($self, key, default=None, /)\n--\n\nThe value, or default."},
    {"set", as_method(dict_set), METH_VARARGS | METH_KEYWORDS,
     "set($self, key, value, /, *, ttl_s=None)\n--\n\nStore a value, for ttl_s seconds."},
    {"pop", as_method(dict_pop), METH_FASTCALL,
     "pop($self, key, default=..., /)\n--\n\nRemove a key and return its value, or default, else KeyError."},
    {"setdefault", as_method(dict_setdefault), METH_VARARGS | METH_KEYWORDS,
     "setdefault($self, key, default=None, /, *, ttl_s=None)\n--\n\nThe value, which is stored where there is none."},
    {"add", as_method(dict_add), METH_VARARGS | METH_KEYWORDS,
     "add($self, key, n=1, /, *, ttl_s=None)\n--\n\nAdd to a number, from 0 where there is none; the new value."},
    {"keys", dict_keys, METH_NOARGS, "keys($self, /)\n--\n\nA list of the keys."},
    {"values", dict_values, METH_NOARGS, "values($self, /)\n--\n\nA list of the values."},
    {"items", dict_items, METH_NOARGS, "items($self, /)\n--\n\nA list of (key, value)."},
    {"clear", dict_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemove everything."},
    {"stats", dict_stats, METH_NOARGS,
     "stats($self, /)\n--\n\nHow many hits, misses, evictions and expirations there were."},
    {"_read", as_method(dict_read), METH_FASTCALL, read_doc},
    {"_write", as_method(dict_write), METH_FASTCALL, write_doc},
    {"__reduce__", dict_reduce, METH_NOARGS, "Pickled by name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"name", dict_name, nullptr, "The name it is found by.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Plain values by key, which all interpreters and workers share.")},
    {Py_tp_new, reinterpret_cast<void*>(dict_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dict_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(dict_repr)},
    {Py_tp_iter, reinterpret_cast<void*>(dict_iter)},
    {Py_tp_hash, reinterpret_cast<void*>(PyObject_HashNotImplemented)},
    {Py_mp_subscript, reinterpret_cast<void*>(dict_subscript)},
    {Py_mp_ass_subscript, reinterpret_cast<void*>(dict_assign)},
    {Py_mp_length, reinterpret_cast<void*>(dict_length)},
    {Py_sq_contains, reinterpret_cast<void*>(dict_contains)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {
    "fasterapi._engine.SharedDict",
    sizeof(dict_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

}  // namespace

int add_shared_dict(PyObject* module, module_state&) {
  const ref type = ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type ? PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) : -1;
}

}  // namespace fasterapi::bindings
