#include "bindings/encode.h"

#include <new>
#include <string_view>
#include <utility>

#include "bindings/encode_failure.h"
#include "bindings/encode_moment.h"
#include "bindings/module_state.h"
#include "fasterapi/python/ref.h"
#include "json/writer.h"
#include "python/critical_section.h"

namespace fasterapi::bindings {

namespace {

using core::byte_buffer;
using python::ref;

enum class outcome : uint8_t { written, failed, not_a_leaf };

// One value on its way into the buffer.
//
// Python code may run wherever something other than an exact built-in type is met: containers hold a reference to
// the entry they are at, and look at their own size anew before they take the next.
class encoder {
 public:
  encoder(encode_state& state, byte_buffer& out) noexcept : state_(state), out_(out) {}

  bool encode(PyObject* value) noexcept {
    const outcome result = encode_leaf(value);
    return result == outcome::not_a_leaf ? encode_nested(value) : result == outcome::written;
  }

  // Sets the Python exception for what made encode() return false.
  void raise() noexcept { failure_.raise(); }

 private:
  outcome encode_leaf(PyObject* value) noexcept;
  bool encode_nested(PyObject* value) noexcept;
  bool encode_by_kind(PyObject* value) noexcept;
  bool encode_other(PyObject* value) noexcept;

  bool encode_text(PyObject* text) noexcept;
  bool encode_int(PyObject* number) noexcept;
  bool encode_float(double number) noexcept;
  bool encode_uuid(PyObject* uuid) noexcept;
  bool encode_datetime(PyObject* datetime) noexcept;

  bool encode_list(PyObject* list) noexcept;
  bool encode_tuple(PyObject* tuple) noexcept;
  bool encode_iterable(PyObject* iterable) noexcept;
  bool encode_dict(PyObject* dict) noexcept;
  bool encode_mapping(PyObject* mapping) noexcept;
  bool encode_dataclass(PyObject* value, PyObject* fields) noexcept;

  bool encode_key(PyObject* key) noexcept;
  bool encode_plain_key(PyObject* key) noexcept;

  ref simplified(PyObject* value, json_kind kind) noexcept;
  ref plain_data(PyObject* value) noexcept;

  // A member of an object that is open in the buffer. The key is left out with its value when it is SQLAlchemy's.
  bool encode_member(PyObject* key, PyObject* value, bool& first) noexcept;

  encode_state& state_;
  byte_buffer& out_;
  encode_failure failure_;
  int depth_ = 0;
};

bool starts_with_sa(PyObject* text) noexcept {
  return PyUnicode_GET_LENGTH(text) >= 3 && PyUnicode_READ_CHAR(text, 0) == '_' &&
         PyUnicode_READ_CHAR(text, 1) == 's' && PyUnicode_READ_CHAR(text, 2) == 'a';
}

inline outcome encoder::encode_leaf(PyObject* value) noexcept {
  const auto done = [](bool ok) { return ok ? outcome::written : outcome::failed; };
  PyTypeObject* const type = Py_TYPE(value);
  if (type == &PyUnicode_Type) return done(encode_text(value));
  if (type == &PyLong_Type) return done(encode_int(value));
  if (value == Py_None) return out_.append("null"), outcome::written;
  if (value == Py_True) return out_.append("true"), outcome::written;
  if (value == Py_False) return out_.append("false"), outcome::written;
  if (type == &PyFloat_Type) return done(encode_float(PyFloat_AS_DOUBLE(value)));
  return outcome::not_a_leaf;
}

bool encoder::encode_nested(PyObject* value) noexcept {
  if (depth_ == encode_depth_max) return failure_.too_deep();
  ++depth_;
  PyTypeObject* const type = Py_TYPE(value);
  const bool ok = type == &PyDict_Type    ? encode_dict(value)
                  : type == &PyList_Type  ? encode_list(value)
                  : type == &PyTuple_Type ? encode_tuple(value)
                                          : encode_by_kind(value);
  --depth_;
  return ok;
}

bool encoder::encode_by_kind(PyObject* value) noexcept {
  json_kind_entry entry;
  if (!state_.kinds->find(Py_TYPE(value), entry)) return failure_.caught();
  switch (entry.kind) {
    case json_kind::refused:
      return failure_.unsupported(value);
    case json_kind::string:
      return encode_text(value);
    case json_kind::integer:
      return encode_int(value);
    case json_kind::real:
      return encode_float(PyFloat_AS_DOUBLE(value));
    case json_kind::undefined:
      out_.append("null");
      return true;
    case json_kind::uuid:
      return encode_uuid(value);
    case json_kind::datetime:
      return encode_datetime(value);
    case json_kind::mapping:
      return encode_mapping(value);
    case json_kind::iterable:
      return encode_iterable(value);
    case json_kind::dataclass:
      return encode_dataclass(value, entry.fields.get());
    case json_kind::unknown:
      return encode_other(value);
    default:
      break;
  }
  const ref simple = simplified(value, entry.kind);
  return simple && encode(simple.get());
}

// A plainer object that is encoded in the value's place; none after a failure.
ref encoder::simplified(PyObject* value, json_kind kind) noexcept {
  ref simple;
  switch (kind) {
    case json_kind::model: {
      PyObject* const arguments[] = {value, state_.json_mode, Py_True};
      simple = ref::steal(PyObject_VectorcallMethod(state_.model_dump, arguments, 1, state_.model_dump_keywords));
      break;
    }
    case json_kind::enumeration:
      simple = ref::steal(PyObject_GetAttr(value, state_.value));
      break;
    case json_kind::bytes:
      simple = ref::steal(PyUnicode_DecodeUTF8(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), nullptr));
      break;
    case json_kind::moment:
    case json_kind::datetime:
      simple = ref::steal(PyObject_CallMethodNoArgs(value, state_.isoformat));
      break;
    case json_kind::duration:
      simple = ref::steal(PyObject_CallMethodNoArgs(value, state_.total_seconds));
      break;
    case json_kind::pattern:
      simple = ref::steal(PyObject_GetAttr(value, state_.pattern));
      break;
    case json_kind::decimal: {
      const ref parts = ref::steal(PyObject_CallMethodNoArgs(value, state_.as_tuple));
      const ref exponent = parts ? ref::steal(PyObject_GetAttr(parts.get(), state_.exponent)) : ref();
      if (!exponent) break;
      // Of NaN and the infinities it is a letter.
      int overflow = 0;
      const bool whole = PyLong_Check(exponent.get()) && PyLong_AsLongAndOverflow(exponent.get(), &overflow) >= 0;
      simple = ref::steal(whole ? PyNumber_Long(value) : PyNumber_Float(value));
      break;
    }
    default:
      simple = ref::steal(PyObject_Str(value));
      break;
  }
  if (!simple) failure_.caught();
  return simple;
}

bool encoder::encode_text(PyObject* text) noexcept {
  const auto count = static_cast<size_t>(PyUnicode_GET_LENGTH(text));
  if (PyUnicode_IS_ASCII(text)) [[likely]] {
    json::write_string(out_, {static_cast<const char*>(PyUnicode_DATA(text)), count});
    return true;
  }
  bool ok = true;
  switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
      json::write_string(out_, PyUnicode_1BYTE_DATA(text), count);
      break;
    case PyUnicode_2BYTE_KIND:
      ok = json::write_string(out_, PyUnicode_2BYTE_DATA(text), count);
      break;
    default:
      ok = json::write_string(out_, PyUnicode_4BYTE_DATA(text), count);
      break;
  }
  if (ok) return true;
  // Encoding it once more raises the UnicodeEncodeError that names the surrogate.
  const ref encoded = ref::steal(PyUnicode_AsUTF8String(text));
  return failure_.caught();
}

bool encoder::encode_int(PyObject* number) noexcept {
  const auto* const compact = reinterpret_cast<PyLongObject*>(number);
  if (PyUnstable_Long_IsCompact(compact)) [[likely]] {
    json::write_int(out_, PyUnstable_Long_CompactValue(compact));
    return true;
  }
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow == 0) {
    json::write_int(out_, value);
    return true;
  }
  const ref digits = ref::steal(PyLong_Type.tp_repr(number));
  if (!digits) return failure_.caught();
  out_.append({static_cast<const char*>(PyUnicode_DATA(digits.get())),
               static_cast<size_t>(PyUnicode_GET_LENGTH(digits.get()))});
  return true;
}

bool encoder::encode_float(double number) noexcept {
  return json::write_double(out_, number) || failure_.out_of_range(number);
}

bool encoder::encode_uuid(PyObject* uuid) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  const ref number = ref::steal(PyObject_GetAttr(uuid, state_.int_));
  if (!number) return failure_.caught();
  uint8_t bytes[16];
  constexpr int flags =
      Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER | Py_ASNATIVEBYTES_REJECT_NEGATIVE;
  if (PyLong_CheckExact(number.get()) && PyLong_AsNativeBytes(number.get(), bytes, sizeof bytes, flags) == 16) {
    char text[38];
    char* to = text;
    *to++ = '"';
    for (size_t i = 0; i < sizeof bytes; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
      *to++ = hexadecimal[bytes[i] >> 4];
      *to++ = hexadecimal[bytes[i] & 15];
    }
    *to = '"';
    out_.append({text, sizeof text});
    return true;
  }
  PyErr_Clear();
#endif
  const ref text = simplified(uuid, json_kind::text);
  return text && encode(text.get());
}

bool encoder::encode_datetime(PyObject* datetime) noexcept {
  if (write_datetime(out_, datetime, state_.utc)) return true;
  const ref text = simplified(datetime, json_kind::datetime);
  return text && encode(text.get());
}

bool encoder::encode_list(PyObject* list) noexcept {
  const python::critical_section alone(list);
  out_.append('[');
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    if (i > 0) out_.append(',');
    PyObject* const item = PyList_GET_ITEM(list, i);
    const outcome result = encode_leaf(item);
    if (result == outcome::written) continue;
    if (result == outcome::failed) return failure_.at_index(i);
    const ref held = ref::share(item);
    if (!encode_nested(item) || out_.failed()) return failure_.at_index(i);
  }
  out_.append(']');
  return true;
}

bool encoder::encode_tuple(PyObject* tuple) noexcept {
  out_.append('[');
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (i > 0) out_.append(',');
    if (!encode(PyTuple_GET_ITEM(tuple, i))) return failure_.at_index(i);
  }
  out_.append(']');
  return true;
}

bool encoder::encode_iterable(PyObject* iterable) noexcept {
  const ref iterator = ref::steal(PyObject_GetIter(iterable));
  if (!iterator) return failure_.caught();
  out_.append('[');
  for (Py_ssize_t i = 0;; ++i) {
    const ref item = ref::steal(PyIter_Next(iterator.get()));
    if (!item) {
      if (!PyErr_Occurred()) break;
      failure_.caught();
      return failure_.at_index(i);
    }
    if (i > 0) out_.append(',');
    if (!encode(item.get()) || out_.failed()) return failure_.at_index(i);
  }
  out_.append(']');
  return true;
}

bool encoder::encode_dict(PyObject* dict) noexcept {
  const python::critical_section alone(dict);
  out_.append('{');
  bool first = true;
  const Py_ssize_t count = PyDict_GET_SIZE(dict);
  Py_ssize_t position = 0;
  PyObject* key;
  PyObject* value;
  while (PyDict_Next(dict, &position, &key, &value)) {
    const bool plain_key = PyUnicode_CheckExact(key) && !starts_with_sa(key);
    if (plain_key) [[likely]] {
      if (!first) out_.append(',');
      first = false;
      if (!encode_text(key)) return false;
      out_.append(':');
      const outcome result = encode_leaf(value);
      if (result == outcome::written) continue;
      if (result == outcome::failed) return failure_.at_key(key);
    }
    const ref held_key = ref::share(key);
    const ref held_value = ref::share(value);
    const bool ok = plain_key ? encode_nested(value) : encode_member(key, value, first);
    if (!ok || out_.failed()) return failure_.at_key(key);
    if (PyDict_GET_SIZE(dict) != count) return failure_.changed_size();
  }
  out_.append('}');
  return true;
}

bool encoder::encode_member(PyObject* key, PyObject* value, bool& first) noexcept {
  if (PyUnicode_Check(key) && starts_with_sa(key)) return true;
  if (!first) out_.append(',');
  first = false;
  if (!encode_key(key)) return false;
  out_.append(':');
  return encode(value);
}

// What items() of a subclass says, which may differ from what the dict holds, in order too.
bool encoder::encode_mapping(PyObject* mapping) noexcept {
  const ref items = ref::steal(PyMapping_Items(mapping));
  if (!items) return failure_.caught();
  out_.append('{');
  bool first = true;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    const ref item = ref::steal(PySequence_Tuple(PyList_GET_ITEM(items.get(), i)));
    if (!item) return failure_.caught();
    if (PyTuple_GET_SIZE(item.get()) != 2) return failure_.unsupported(mapping);
    PyObject* const key = PyTuple_GET_ITEM(item.get(), 0);
    if (!encode_member(key, PyTuple_GET_ITEM(item.get(), 1), first) || out_.failed()) return failure_.at_key(key);
  }
  out_.append('}');
  return true;
}

bool encoder::encode_dataclass(PyObject* value, PyObject* fields) noexcept {
  out_.append('{');
  bool first = true;
  const Py_ssize_t count = PyTuple_GET_SIZE(fields);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(fields, i);
    const ref member = ref::steal(PyObject_GetAttr(value, name));
    if (!member) return failure_.caught();
    if (!encode_member(name, member.get(), first)) return failure_.at_attribute(name);
  }
  out_.append('}');
  return true;
}

// A dict's key, between quotes.
bool encoder::encode_key(PyObject* key) noexcept {
  if (depth_ == encode_depth_max) return failure_.too_deep();
  if (encode_plain_key(key)) return true;
  if (failure_) return false;
  json_kind_entry entry;
  if (!state_.kinds->find(Py_TYPE(key), entry)) return failure_.caught();
  switch (entry.kind) {
    case json_kind::string:
      return encode_text(key);
    case json_kind::undefined:
      return encode_plain_key(Py_None);
    case json_kind::enumeration:
    case json_kind::bytes:
    case json_kind::moment:
    case json_kind::datetime:
    case json_kind::duration:
    case json_kind::decimal:
    case json_kind::pattern:
    case json_kind::uuid:
    case json_kind::text: {
      const ref simple = simplified(key, entry.kind);
      if (!simple) return false;
      ++depth_;
      const bool ok = encode_key(simple.get());
      --depth_;
      return ok;
    }
    default:
      return failure_.unsupported_key(key);
  }
}

// str, int, float, bool and None. False without a failure for everything else.
bool encoder::encode_plain_key(PyObject* key) noexcept {
  if (PyUnicode_CheckExact(key)) return encode_text(key);
  const bool plain = key == Py_None || PyBool_Check(key) || PyLong_CheckExact(key) || PyFloat_CheckExact(key);
  if (!plain) return false;
  out_.append('"');
  const bool ok = encode_leaf(key) == outcome::written;
  out_.append('"');
  return ok;
}

// Anything else is taken for what it can be made into: a dict of its pairs, or of its attributes.
bool encoder::encode_other(PyObject* value) noexcept {
  const ref data = plain_data(value);
  return data && encode(data.get());
}

ref encoder::plain_data(PyObject* value) noexcept {
  ref data = ref::steal(PyObject_CallOneArg(reinterpret_cast<PyObject*>(&PyDict_Type), value));
  if (!data && PyErr_ExceptionMatches(PyExc_Exception)) {
    PyErr_Clear();
    data = ref::steal(PyObject_GetAttr(value, state_.dict));
    if (!data && PyErr_ExceptionMatches(PyExc_AttributeError)) {
      PyErr_Clear();
      failure_.unsupported(value);
      return data;
    }
  }
  if (!data) failure_.caught();
  return data;
}

PyObject* encode_json_function(PyObject* module, PyObject* value) {
  byte_buffer out;
  if (!encode_json(state_of(module), value, out)) return nullptr;
  return PyBytes_FromStringAndSize(out.data(), static_cast<Py_ssize_t>(out.size()));
}

PyMethodDef functions[] = {
    {"encode_json", encode_json_function, METH_O,
     "encode_json(value, /)\n--\n\nThe value as JSON bytes, by FastAPI's rules."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool encode_json(module_state& state, PyObject* value, byte_buffer& out) noexcept {
  const size_t before = out.size();
  encoder writer(state.encode, out);
  if (writer.encode(value) && !out.failed()) [[likely]]
    return true;
  writer.raise();
  out.truncate(before);
  return false;
}

int add_encode(PyObject* module, module_state& state) noexcept {
  encode_state& part = state.encode;
  part.kinds = new (std::nothrow) json_kind_cache;
  if (part.kinds == nullptr) return PyErr_NoMemory(), -1;
  const struct {
    PyObject** to;
    const char* text;
  } names[] = {
      {&part.as_tuple, "as_tuple"},           {&part.dict, "__dict__"},
      {&part.exponent, "exponent"},           {&part.int_, "int"},
      {&part.isoformat, "isoformat"},         {&part.json_mode, "json"},
      {&part.model_dump, "model_dump"},       {&part.pattern, "pattern"},
      {&part.total_seconds, "total_seconds"}, {&part.value, "value"},
  };
  for (const auto& name : names) {
    *name.to = PyUnicode_InternFromString(name.text);
    if (*name.to == nullptr) return -1;
  }
  const ref datetime = ref::steal(PyImport_ImportModule("datetime"));
  const ref timezone = datetime ? ref::steal(PyObject_GetAttrString(datetime.get(), "timezone")) : ref();
  part.utc = timezone ? PyObject_GetAttrString(timezone.get(), "utc") : nullptr;
  if (part.utc == nullptr) return -1;
  part.model_dump_keywords = Py_BuildValue("(ss)", "mode", "by_alias");
  if (part.model_dump_keywords == nullptr) return -1;
  return PyModule_AddFunctions(module, functions);
}

int traverse_encode(encode_state& state, visitproc visit, void* arg) noexcept {
  return state.kinds == nullptr ? 0 : state.kinds->traverse(visit, arg);
}

void free_encode(encode_state& state) noexcept {
  clear_encode(state);
  delete std::exchange(state.kinds, nullptr);
}

void clear_encode(encode_state& state) noexcept {
  if (state.kinds != nullptr) state.kinds->clear();
  Py_CLEAR(state.as_tuple);
  Py_CLEAR(state.dict);
  Py_CLEAR(state.exponent);
  Py_CLEAR(state.int_);
  Py_CLEAR(state.isoformat);
  Py_CLEAR(state.model_dump);
  Py_CLEAR(state.pattern);
  Py_CLEAR(state.total_seconds);
  Py_CLEAR(state.value);
  Py_CLEAR(state.utc);
  Py_CLEAR(state.json_mode);
  Py_CLEAR(state.model_dump_keywords);
}

}  // namespace fasterapi::bindings
