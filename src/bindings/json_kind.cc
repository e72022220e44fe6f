#include "bindings/json_kind.h"

#include <mutex>
#include <span>
#include <string_view>
#include <utility>

#include "bindings/encode_moment.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

struct known_class {
  const char* module;
  const char* name;
  json_kind kind;
};

constexpr known_class model_classes[] = {{"pydantic.main", "BaseModel", json_kind::model}};

constexpr known_class scalar_classes[] = {
    {"enum", "Enum", json_kind::enumeration},
    {"pathlib", "PurePath", json_kind::text},
};

constexpr known_class marker_classes[] = {{"pydantic_core", "PydanticUndefinedType", json_kind::undefined}};

constexpr known_class other_classes[] = {
    {"collections", "deque", json_kind::iterable},
    {"datetime", "date", json_kind::moment},
    {"datetime", "time", json_kind::moment},
    {"datetime", "timedelta", json_kind::duration},
    {"decimal", "Decimal", json_kind::decimal},
    {"uuid", "UUID", json_kind::text},
    {"re", "Pattern", json_kind::pattern},
    {"ipaddress", "IPv4Address", json_kind::text},
    {"ipaddress", "IPv4Interface", json_kind::text},
    {"ipaddress", "IPv4Network", json_kind::text},
    {"ipaddress", "IPv6Address", json_kind::text},
    {"ipaddress", "IPv6Interface", json_kind::text},
    {"ipaddress", "IPv6Network", json_kind::text},
    {"pydantic_core", "Url", json_kind::text},
    {"pydantic.networks", "AnyUrl", json_kind::text},
    {"pydantic.networks", "NameEmail", json_kind::text},
    {"pydantic.types", "SecretStr", json_kind::text},
    {"pydantic.types", "SecretBytes", json_kind::text},
    {"pydantic.color", "Color", json_kind::text},
    {"pydantic_extra_types.color", "Color", json_kind::text},
};

// The attribute, or none: without an exception where it does not exist, with one where the lookup went wrong.
ref attribute(PyObject* object, const char* name) noexcept {
  ref found = ref::steal(PyObject_GetAttrString(object, name));
  if (!found && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
  return found;
}

// The class by that name in a module that is already loaded; none where there is no such class.
ref loaded_class(const known_class& known) noexcept {
  const ref module_name = ref::steal(PyUnicode_FromString(known.module));
  if (!module_name) return {};
  const ref module = ref::steal(PyImport_GetModule(module_name.get()));
  if (!module) return {};
  ref found = attribute(module.get(), known.name);
  if (found && !PyType_Check(found.get())) return {};
  return found;
}

// `unknown` where the type is none of them. False with a Python exception set.
bool match(PyTypeObject* type, std::span<const known_class> classes, json_kind& kind) noexcept {
  for (const known_class& known : classes) {
    const ref found = loaded_class(known);
    if (PyErr_Occurred()) return false;
    if (found && PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(found.get()))) {
      kind = known.kind;
      const bool itself = reinterpret_cast<PyTypeObject*>(found.get()) == type;
      if (itself && std::string_view(known.name) == "UUID") kind = json_kind::uuid;
      return true;
    }
  }
  return true;
}

// The names of a dataclass's own fields: not its class variables, not what only __init__ takes.
ref dataclass_fields(PyTypeObject* type) noexcept {
  auto* const class_object = reinterpret_cast<PyObject*>(type);
  if (!attribute(class_object, "__dataclass_fields__")) return {};
  const ref module = ref::steal(PyImport_ImportModule("dataclasses"));
  if (!module) return {};
  const ref fields = ref::steal(PyObject_CallMethod(module.get(), "fields", "O", class_object));
  if (!fields) return {};
  const ref sequence = ref::steal(PySequence_Tuple(fields.get()));
  if (!sequence) return {};
  const Py_ssize_t count = PyTuple_GET_SIZE(sequence.get());
  ref names = ref::steal(PyTuple_New(count));
  for (Py_ssize_t i = 0; names && i < count; ++i) {
    PyObject* name = PyObject_GetAttrString(PyTuple_GET_ITEM(sequence.get(), i), "name");
    if (name != nullptr && !PyUnicode_CheckExact(name)) {
      PyErr_Format(PyExc_TypeError, "a field of dataclass '%s' has a name that is not a str", type->tp_name);
      Py_CLEAR(name);
    }
    if (name == nullptr) return {};
    PyUnicode_InternInPlace(&name);
    PyTuple_SET_ITEM(names.get(), i, name);
  }
  return names;
}

json_kind builtin_kind(PyTypeObject* type) noexcept {
  struct builtin {
    PyTypeObject* type;
    json_kind kind;
  };
  const builtin builtins[] = {
      {&PyDict_Type, json_kind::mapping},       {&PyList_Type, json_kind::iterable},
      {&PyTuple_Type, json_kind::iterable},     {&PySet_Type, json_kind::iterable},
      {&PyFrozenSet_Type, json_kind::iterable}, {&PyGen_Type, json_kind::iterable},
      {&PyBytes_Type, json_kind::bytes},        {&PyType_Type, json_kind::refused},
      {&PyModule_Type, json_kind::refused},     {&PyFunction_Type, json_kind::refused},
      {&PyCFunction_Type, json_kind::refused},  {&PyMethod_Type, json_kind::refused},
  };
  for (const builtin& known : builtins) {
    if (PyType_IsSubtype(type, known.type)) return known.kind;
  }
  return json_kind::unknown;
}

json_kind number_or_text_kind(PyTypeObject* type) noexcept {
  if (PyType_IsSubtype(type, &PyUnicode_Type)) return json_kind::string;
  if (PyType_IsSubtype(type, &PyLong_Type)) return json_kind::integer;
  if (PyType_IsSubtype(type, &PyFloat_Type)) return json_kind::real;
  return json_kind::unknown;
}

// The order of the questions is jsonable_encoder's: a class may be several of these at once.
bool classify(PyTypeObject* type, json_kind_entry& entry) noexcept {
  entry = {};
  if (is_builtin_datetime(type)) {
    entry.kind = json_kind::datetime;
    return true;
  }
  if (!match(type, model_classes, entry.kind)) return false;
  if (entry.kind != json_kind::unknown) return true;
  entry.fields = dataclass_fields(type);
  if (PyErr_Occurred()) return false;
  if (entry.fields) {
    entry.kind = json_kind::dataclass;
    return true;
  }
  if (!match(type, scalar_classes, entry.kind)) return false;
  if (entry.kind == json_kind::unknown) entry.kind = number_or_text_kind(type);
  if (entry.kind == json_kind::unknown && !match(type, marker_classes, entry.kind)) return false;
  if (entry.kind == json_kind::unknown) entry.kind = builtin_kind(type);
  return entry.kind != json_kind::unknown || match(type, other_classes, entry.kind);
}

}  // namespace

bool json_kind_cache::find(PyTypeObject* type, json_kind_entry& entry) noexcept {
  {
    const std::lock_guard alone(mutex_);
    const slot& known = slot_of(type);
    if (known.type == type) {
      entry.kind = known.kind;
      entry.fields = ref::share(known.fields);
      return true;
    }
  }
  if (!classify(type, entry)) return false;
  put(type, entry);
  return true;
}

void json_kind_cache::put(PyTypeObject* type, const json_kind_entry& entry) noexcept {
  slot fresh{type, Py_XNewRef(entry.fields.get()), entry.kind};
  Py_INCREF(type);
  {
    const std::lock_guard alone(mutex_);
    std::swap(slot_of(type), fresh);
  }
  // Destructors may run any code, this cache's included: only after the slot is whole again.
  Py_XDECREF(fresh.type);
  Py_XDECREF(fresh.fields);
}

int json_kind_cache::traverse(visitproc visit, void* arg) noexcept {
  for (const slot& known : slots_) {
    Py_VISIT(known.type);
    Py_VISIT(known.fields);
  }
  return 0;
}

void json_kind_cache::clear() noexcept {
  for (slot& known : slots_) {
    slot old;
    std::swap(known, old);
    Py_XDECREF(old.type);
    Py_XDECREF(old.fields);
  }
}

}  // namespace fasterapi::bindings
