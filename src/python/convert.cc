#include "python/convert.h"

#include <cstddef>
#include <string>

namespace fasterapi::python {

namespace {

using schema::calendar_time;
using schema::value;
using schema::value_kind;

PyObject* integer_object(const char* digits, uint32_t size) noexcept {
  const std::string text(digits, size);
  return PyLong_FromString(text.c_str(), nullptr, 10);
}

PyObject* zone_object(const PyDateTime_CAPI& api, int32_t offset_s) noexcept {
  if (offset_s == value::no_offset) return Py_NewRef(Py_None);
  if (offset_s == 0) return Py_NewRef(api.TimeZone_UTC);
  const ref offset = ref::steal(api.Delta_FromDelta(0, offset_s, 0, 1, api.DeltaType));
  return offset ? api.TimeZone_FromTimeZone(offset.get(), nullptr) : nullptr;
}

PyObject* datetime_object(const PyDateTime_CAPI& api, const value& from) noexcept {
  const calendar_time at = from.calendar;
  const ref zone = ref::steal(zone_object(api, from.offset_s));
  if (!zone) return nullptr;
  return api.DateTime_FromDateAndTime(static_cast<int>(at.year), static_cast<int>(at.month), static_cast<int>(at.day),
                                      static_cast<int>(at.hour), static_cast<int>(at.minute),
                                      static_cast<int>(at.second), static_cast<int>(at.microsecond), zone.get(),
                                      api.DateTimeType);
}

PyObject* time_object(const PyDateTime_CAPI& api, const value& from) noexcept {
  const calendar_time at = from.calendar;
  const ref zone = ref::steal(zone_object(api, from.offset_s));
  if (!zone) return nullptr;
  return api.Time_FromTime(static_cast<int>(at.hour), static_cast<int>(at.minute), static_cast<int>(at.second),
                           static_cast<int>(at.microsecond), zone.get(), api.TimeType);
}

// Fills the object as UUID.__init__ does, without its checks; attributes of a UUID cannot be set in the usual way.
PyObject* uuid_object(const converter& by, const value& from) noexcept {
  auto* type = reinterpret_cast<PyTypeObject*>(by.uuid_type.get());
  const ref nothing = ref::steal(PyTuple_New(0));
  ref made = nothing ? ref::steal(type->tp_new(type, nothing.get(), nullptr)) : ref();
  const ref number = ref::steal(_PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(from.text), 16, 0, 0));
  if (!made || !number || PyObject_GenericSetAttr(made.get(), by.uuid_int_name.get(), number.get()) < 0 ||
      PyObject_GenericSetAttr(made.get(), by.uuid_safe_name.get(), by.uuid_safety.get()) < 0) {
    return nullptr;
  }
  return made.release();
}

PyObject* list_object(const converter& by, const value& from) noexcept {
  ref made = ref::steal(PyList_New(from.size));
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    PyObject* item = by.convert(from.items[i]);
    if (item == nullptr) return nullptr;
    PyList_SET_ITEM(made.get(), i, item);
  }
  return made.release();
}

PyObject* tuple_object(const converter& by, const value& from) noexcept {
  ref made = ref::steal(PyTuple_New(from.size));
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    PyObject* item = by.convert(from.items[i]);
    if (item == nullptr) return nullptr;
    PyTuple_SET_ITEM(made.get(), i, item);
  }
  return made.release();
}

PyObject* set_object(const converter& by, const value& from) noexcept {
  ref made = ref::steal(from.kind == value_kind::set ? PySet_New(nullptr) : PyFrozenSet_New(nullptr));
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    const ref item = ref::steal(by.convert(from.items[i]));
    if (!item || PySet_Add(made.get(), item.get()) < 0) return nullptr;
  }
  return made.release();
}

PyObject* dict_object(const converter& by, const value& from) noexcept {
  ref made = ref::steal(PyDict_New());
  if (!made) return nullptr;
  for (size_t i = 0; i < from.size; ++i) {
    const ref key = ref::steal(by.convert(from.items[2 * i]));
    const ref item = key ? ref::steal(by.convert(from.items[2 * i + 1])) : ref();
    if (!item || PyDict_SetItem(made.get(), key.get(), item.get()) < 0) return nullptr;
  }
  return made.release();
}

PyObject* typed_dict_object(const converter& by, const record_maker& maker, const value& from) noexcept {
  ref made = ref::steal(PyDict_New());
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    if (from.items[i].kind == value_kind::absent) continue;
    const ref item = ref::steal(by.convert(from.items[i]));
    if (!item || PyDict_SetItem(made.get(), maker.names[i].get(), item.get()) < 0) return nullptr;
  }
  return made.release();
}

// Made as pydantic makes standard dataclasses: not through __init__; __post_init__ is called.
PyObject* dataclass_object(const converter& by, const record_maker& maker, const value& from) noexcept {
  auto* type = reinterpret_cast<PyTypeObject*>(maker.type.get());
  const ref nothing = ref::steal(PyTuple_New(0));
  ref made = nothing ? ref::steal(type->tp_new(type, nothing.get(), nullptr)) : ref();
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    const bool absent = from.items[i].kind == value_kind::absent;
    const ref item = ref::steal(absent ? by.fall_back(maker.fallbacks[i]) : by.convert(from.items[i]));
    if (!item || PyObject_GenericSetAttr(made.get(), maker.names[i].get(), item.get()) < 0) return nullptr;
  }
  if (maker.post_init) {
    const ref done = ref::steal(PyObject_CallMethodNoArgs(made.get(), maker.post_init.get()));
    if (!done) return nullptr;
  }
  return made.release();
}

PyObject* json_array(const json::value& from) noexcept {
  ref made = ref::steal(PyList_New(from.size));
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    PyObject* item = json_object(from.items[i]);
    if (item == nullptr) return nullptr;
    PyList_SET_ITEM(made.get(), i, item);
  }
  return made.release();
}

PyObject* json_mapping(const json::value& from) noexcept {
  ref made = ref::steal(PyDict_New());
  if (!made) return nullptr;
  for (uint32_t i = 0; i < from.size; ++i) {
    const ref key = ref::steal(json_object(from.members[i].key));
    const ref item = key ? ref::steal(json_object(from.members[i].item)) : ref();
    if (!item || PyDict_SetItem(made.get(), key.get(), item.get()) < 0) return nullptr;
  }
  return made.release();
}

}  // namespace

PyObject* text_object(const char* text, uint32_t size, bool has_surrogate) noexcept {
  return PyUnicode_DecodeUTF8(text, size, has_surrogate ? "surrogatepass" : "strict");
}

PyObject* json_object(const json::value& from) noexcept {
  switch (from.kind) {
    case json::kind::null:
      return Py_NewRef(Py_None);
    case json::kind::boolean:
      return PyBool_FromLong(from.boolean);
    case json::kind::integer:
      return PyLong_FromLongLong(from.integer);
    case json::kind::big_integer:
      return integer_object(from.text, from.size);
    case json::kind::real:
      return PyFloat_FromDouble(from.real);
    case json::kind::string:
      return text_object(from.text, from.size, from.has_surrogate);
    case json::kind::bytes:
      return PyBytes_FromStringAndSize(from.text, from.size);
    case json::kind::array:
      return json_array(from);
    case json::kind::object:
      return json_mapping(from);
  }
  Py_UNREACHABLE();
}

PyObject* converter::fall_back(const fallback& to) const noexcept {
  if (to.factory) return PyObject_CallNoArgs(to.factory.get());
  if (to.copied) return PyObject_CallOneArg(deep_copy.get(), to.value.get());
  if (to.value) return Py_NewRef(to.value.get());
  PyErr_SetString(PyExc_SystemError, "a value was neither sent nor has a default");
  return nullptr;
}

PyObject* converter::convert(const value& from) const noexcept {
  switch (from.kind) {
    case value_kind::string:
      return text_object(from.text, from.size, from.has_surrogate);
    case value_kind::integer:
      return PyLong_FromLongLong(from.integer);
    case value_kind::none:
      return Py_NewRef(Py_None);
    case value_kind::boolean:
      return PyBool_FromLong(from.boolean);
    case value_kind::real:
      return PyFloat_FromDouble(from.real);
    case value_kind::big_integer:
      return integer_object(from.text, from.size);
    case value_kind::bytes:
      return PyBytes_FromStringAndSize(from.text, from.size);
    case value_kind::decimal: {
      const ref text = ref::steal(text_object(from.text, from.size, false));
      return text ? PyObject_CallOneArg(decimal_type.get(), text.get()) : nullptr;
    }
    case value_kind::uuid:
      return uuid_object(*this, from);
    case value_kind::date:
      return datetime->Date_FromDate(static_cast<int>(from.calendar.year), static_cast<int>(from.calendar.month),
                                     static_cast<int>(from.calendar.day), datetime->DateType);
    case value_kind::time:
      return time_object(*datetime, from);
    case value_kind::datetime:
      return datetime_object(*datetime, from);
    case value_kind::timedelta:
      return datetime->Delta_FromDelta(from.days, static_cast<int>(from.microseconds / 1'000'000),
                                       static_cast<int>(from.microseconds % 1'000'000), 1, datetime->DeltaType);
    case value_kind::object:
      return Py_NewRef(objects[from.object_index].get());
    case value_kind::list:
      return list_object(*this, from);
    case value_kind::tuple:
      return tuple_object(*this, from);
    case value_kind::set:
    case value_kind::frozenset:
      return set_object(*this, from);
    case value_kind::dict:
      return dict_object(*this, from);
    case value_kind::record: {
      const record_maker& maker = records[from.type_id];
      return maker.type ? dataclass_object(*this, maker, from) : typed_dict_object(*this, maker, from);
    }
    case value_kind::json:
      return json_object(*from.source);
    case value_kind::absent:
    case value_kind::foreign:
      break;
  }
  PyErr_SetString(PyExc_SystemError, "a value that is not ready was to be converted");
  return nullptr;
}

}  // namespace fasterapi::python
