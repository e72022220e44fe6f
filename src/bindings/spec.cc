#include <cstring>
#include <string>
#include <string_view>

#include "bindings/compiled_plan.h"
#include "fasterapi/python/ref.h"
#include "schema/temporal.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using schema::bound;
using schema::type_kind;

struct named_kind {
  std::string_view name;
  type_kind kind;
};

constexpr named_kind kinds[] = {
    {"any", type_kind::any},
    {"none", type_kind::none},
    {"boolean", type_kind::boolean},
    {"integer", type_kind::integer},
    {"real", type_kind::real},
    {"string", type_kind::string},
    {"bytes", type_kind::bytes},
    {"decimal", type_kind::decimal},
    {"uuid", type_kind::uuid},
    {"date", type_kind::date},
    {"time", type_kind::time},
    {"datetime", type_kind::datetime},
    {"timedelta", type_kind::timedelta},
    {"enumeration", type_kind::enumeration},
    {"literal", type_kind::literal},
    {"nullable", type_kind::nullable},
    {"union", type_kind::union_},
    {"list", type_kind::list},
    {"set", type_kind::set},
    {"frozenset", type_kind::frozenset},
    {"tuple", type_kind::tuple},
    {"variadic_tuple", type_kind::variadic_tuple},
    {"dict", type_kind::dict},
    {"dataclass", type_kind::dataclass},
    {"typed_dict", type_kind::typed_dict},
    {"foreign", type_kind::foreign},
};

constexpr std::string_view relations[] = {"multiple_of", "le", "lt", "ge", "gt"};
constexpr std::string_view origins[] = {"path", "query", "header", "cookie", "body", "request"};

bool bad_spec(const char* what) {
  PyErr_Format(PyExc_TypeError, "the plan's specification is malformed: %s", what);
  return false;
}

// A borrowed item of a dict, or null (without an error) when it is not there.
PyObject* item(PyObject* dict, const char* key) { return PyDict_GetItemString(dict, key); }

bool read_text(PyObject* from, std::string& to) {
  if (from == nullptr || !PyUnicode_Check(from)) return bad_spec("text expected");
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(from, &size);
  if (text == nullptr) return false;
  to.assign(text, static_cast<size_t>(size));
  return true;
}

bool read_flag(PyObject* dict, const char* key, bool& to) {
  PyObject* flag = item(dict, key);
  if (flag == nullptr) return true;
  const int truth = PyObject_IsTrue(flag);
  if (truth < 0) return false;
  to = truth == 1;
  return true;
}

bool read_count(PyObject* dict, const char* key, uint64_t& to) {
  PyObject* count = item(dict, key);
  if (count == nullptr) return true;
  to = PyLong_AsUnsignedLongLong(count);
  return PyErr_Occurred() == nullptr;
}

// Places in `names` of the text `from`; `size` when it is not there, with a Python error set.
template <size_t size>
size_t read_name(PyObject* from, const std::string_view (&names)[size]) {
  std::string text;
  if (!read_text(from, text)) return size;
  for (size_t i = 0; i < size; ++i) {
    if (names[i] == text) return i;
  }
  bad_spec(text.c_str());
  return size;
}

class spec_reader {
 public:
  explicit spec_reader(compiled_plan& into) : plan_(into) {}

  bool read(PyObject* spec) {
    if (!PyDict_Check(spec)) return bad_spec("a dict expected");
    PyObject* types = item(spec, "types");
    PyObject* parameters = item(spec, "parameters");
    if (types == nullptr || !PyList_Check(types)) return bad_spec("types");
    if (parameters == nullptr || !PyList_Check(parameters)) return bad_spec("parameters");
    if (PyList_GET_SIZE(types) > UINT16_MAX) return bad_spec("too many types");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(types); ++i) plan_.shape.add_type();
    plan_.convert.records.resize(plan_.shape.type_count());
    plan_.validators.resize(plan_.shape.type_count());
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(types); ++i) {
      if (!read_type(PyList_GET_ITEM(types, i), static_cast<size_t>(i))) return false;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parameters); ++i) {
      if (!read_parameter(PyList_GET_ITEM(parameters, i))) return false;
    }
    bool embeds = false;
    if (!read_flag(spec, "embed", embeds)) return false;
    plan_.shape.set_embeds_body(embeds);
    plan_.shape.finish();
    return order_arguments(parameters);
  }

 private:
  bool read_type(PyObject* spec, size_t id);
  bool read_limits(PyObject* spec, schema::type& to);
  bool read_bound(PyObject* spec, schema::type& to);
  bool read_bound_value(PyObject* value, type_kind kind, bound& to);
  bool read_moment(PyObject* value, type_kind kind, bound& to);
  bool read_mixed(PyObject* name, schema::type& to);
  bool read_pattern(PyObject* source, schema::type& to);
  bool read_children(PyObject* spec, schema::type& to);
  bool read_fields(PyObject* fields, schema::type& to);
  bool read_choices(PyObject* choices, schema::type& to);
  bool read_class(PyObject* spec, schema::type& to);
  bool read_parameter(PyObject* spec);
  bool read_default(PyObject* spec, python::fallback& to);
  bool order_arguments(PyObject* parameters);
  bool import_objects(const schema::type& of, PyObject* type);
  const schema::type* type_at(PyObject* index);

  compiled_plan& plan_;
};

const schema::type* spec_reader::type_at(PyObject* index) {
  const size_t at = PyLong_AsSize_t(index);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (at >= plan_.shape.type_count()) {
    bad_spec("a type's index");
    return nullptr;
  }
  return &plan_.shape.type_at(at);
}

bool spec_reader::read_type(PyObject* spec, size_t id) {
  if (!PyDict_Check(spec)) return bad_spec("a type");
  std::string name;
  if (!read_text(item(spec, "kind"), name)) return false;
  schema::type& to = plan_.shape.mutable_type_at(id);
  bool known = false;
  for (const named_kind& each : kinds) {
    if (each.name != name) continue;
    to.kind = each.kind;
    known = true;
  }
  if (!known) return bad_spec(name.c_str());
  to.allow_inf_nan = to.kind != type_kind::decimal;
  if (PyObject* validator = item(spec, "validator")) plan_.validators[id] = ref::share(validator);
  return read_flag(spec, "strict", to.strict) && read_flag(spec, "allow_inf_nan", to.allow_inf_nan) &&
         read_flag(spec, "unhashable", to.is_unhashable) && read_limits(spec, to) && read_children(spec, to) &&
         read_class(spec, to);
}

bool spec_reader::read_limits(PyObject* spec, schema::type& to) {
  if (!read_count(spec, "min_length", to.min_length) || !read_count(spec, "max_length", to.max_length) ||
      !read_count(spec, "max_digits", to.max_digits) || !read_count(spec, "decimal_places", to.decimal_places)) {
    return false;
  }
  if (PyObject* pattern = item(spec, "pattern")) {
    if (!read_pattern(pattern, to)) return false;
  }
  PyObject* bounds = item(spec, "bounds");
  if (bounds == nullptr) return true;
  if (!PyList_Check(bounds)) return bad_spec("bounds");
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(bounds); ++i) {
    if (!read_bound(PyList_GET_ITEM(bounds, i), to)) return false;
  }
  return true;
}

bool spec_reader::read_bound(PyObject* spec, schema::type& to) {
  if (!PyTuple_Check(spec) || PyTuple_GET_SIZE(spec) != 4) return bad_spec("a bound");
  bound added;
  const size_t relation = read_name(PyTuple_GET_ITEM(spec, 0), relations);
  if (relation == std::size(relations)) return false;
  added.holds = static_cast<bound::relation>(relation);
  if (!read_bound_value(PyTuple_GET_ITEM(spec, 1), to.kind, added) ||
      !read_text(PyTuple_GET_ITEM(spec, 2), added.text) || !read_text(PyTuple_GET_ITEM(spec, 3), added.json)) {
    return false;
  }
  to.bounds.push_back(std::move(added));
  return true;
}

bool spec_reader::read_bound_value(PyObject* value, type_kind kind, bound& to) {
  switch (kind) {
    case type_kind::integer:
      to.integer = PyLong_AsLongLong(value);
      return PyErr_Occurred() == nullptr;
    case type_kind::real:
      to.real = PyFloat_AsDouble(value);
      return PyErr_Occurred() == nullptr;
    case type_kind::decimal:
      return read_text(value, to.digits);
    case type_kind::timedelta: {
      long days = 0;
      long long microseconds = 0;
      if (!PyArg_ParseTuple(value, "lL", &days, &microseconds)) return false;
      to.moment.days = static_cast<int32_t>(days);
      to.moment.microseconds = microseconds;
      return true;
    }
    case type_kind::date:
    case type_kind::time:
    case type_kind::datetime:
      return read_moment(value, kind, to);
    default:
      return bad_spec("a bound on a type that has no order");
  }
}

bool spec_reader::read_moment(PyObject* value, type_kind kind, bound& to) {
  std::string text;
  if (!read_text(value, text)) return false;
  schema::moment read;
  const schema::problem wrong = kind == type_kind::date   ? schema::read_date(text, read)
                                : kind == type_kind::time ? schema::read_time(text, read)
                                                          : schema::read_datetime(text, read);
  to.moment.calendar = read.at;
  to.moment.offset_s = read.offset_s;
  return wrong.empty() || bad_spec(text.c_str());
}

bool spec_reader::read_mixed(PyObject* name, schema::type& to) {
  constexpr std::string_view names[] = {"str", "int", "float"};
  constexpr json::kind mixed[] = {json::kind::string, json::kind::integer, json::kind::real};
  const size_t found = read_name(name, names);
  if (found == std::size(names)) return false;
  to.mixed = mixed[found];
  return true;
}

bool spec_reader::read_pattern(PyObject* source, schema::type& to) {
  if (!PyTuple_Check(source) || PyTuple_GET_SIZE(source) != 3) return bad_spec("a pattern");
  std::string text;
  if (!read_text(PyTuple_GET_ITEM(source, 0), text) || !read_text(PyTuple_GET_ITEM(source, 1), to.pattern_words.text) ||
      !read_text(PyTuple_GET_ITEM(source, 2), to.pattern_words.json)) {
    return false;
  }
  std::string reason;
  to.pattern = schema::pattern::create(text, reason);
  if (to.pattern != nullptr) return true;
  PyErr_Format(PyExc_TypeError, "the pattern %R cannot be matched in linear time: %s", PyTuple_GET_ITEM(source, 0),
               reason.c_str());
  return false;
}

bool spec_reader::read_children(PyObject* spec, schema::type& to) {
  if (PyObject* child = item(spec, "item"); child != nullptr && (to.item = type_at(child)) == nullptr) return false;
  if (PyObject* child = item(spec, "key"); child != nullptr && (to.key = type_at(child)) == nullptr) return false;
  if (PyObject* members = item(spec, "members")) {
    if (!PyList_Check(members)) return bad_spec("members");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members); ++i) {
      const schema::type* member = type_at(PyList_GET_ITEM(members, i));
      if (member == nullptr) return false;
      to.members.push_back(member);
    }
  }
  if (PyObject* labels = item(spec, "labels")) {
    if (!PyList_Check(labels)) return bad_spec("labels");
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(labels); ++i) {
      if (!read_text(PyList_GET_ITEM(labels, i), to.labels.emplace_back())) return false;
    }
  }
  PyObject* fields = item(spec, "fields");
  if (fields != nullptr && !read_fields(fields, to)) return false;
  PyObject* choices = item(spec, "choices");
  return choices == nullptr || read_choices(choices, to);
}

bool spec_reader::read_fields(PyObject* fields, schema::type& to) {
  if (!PyList_Check(fields)) return bad_spec("fields");
  python::record_maker& maker = plan_.convert.records[to.id];
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(fields); ++i) {
    PyObject* spec = PyList_GET_ITEM(fields, i);
    if (!PyDict_Check(spec)) return bad_spec("a field");
    schema::field& field = to.fields.emplace_back();
    if (!read_text(item(spec, "name"), field.name) || !read_text(item(spec, "key"), field.key) ||
        !read_flag(spec, "required", field.required) ||
        !read_flag(spec, "unhashable_default", field.has_unhashable_default)) {
      return false;
    }
    PyObject* type = item(spec, "type");
    if (type == nullptr || (field.type = type_at(type)) == nullptr) return false;
    PyObject* name = Py_NewRef(item(spec, "name"));
    PyUnicode_InternInPlace(&name);
    maker.names.push_back(ref::steal(name));
    if (!read_default(spec, maker.fallbacks.emplace_back())) return false;
  }
  return true;
}

bool spec_reader::read_choices(PyObject* choices, schema::type& to) {
  if (!PyList_Check(choices)) return bad_spec("choices");
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(choices); ++i) {
    PyObject* spec = PyList_GET_ITEM(choices, i);
    if (!PyTuple_Check(spec) || PyTuple_GET_SIZE(spec) != 2) return bad_spec("a choice");
    PyObject* input = PyTuple_GET_ITEM(spec, 0);
    schema::choice& added = to.choices.emplace_back();
    added.object = static_cast<uint32_t>(plan_.convert.objects.size());
    plan_.convert.objects.push_back(ref::share(PyTuple_GET_ITEM(spec, 1)));
    if (PyUnicode_Check(input)) {
      if (!read_text(input, added.text)) return false;
      added.input.kind = json::kind::string;
    } else if (PyBool_Check(input)) {
      added.input = json::value::of_boolean(input == Py_True);
    } else if (PyLong_Check(input)) {
      added.input = json::value::of_integer(PyLong_AsLongLong(input));
    } else if (PyFloat_Check(input)) {
      added.input = json::value::of_real(PyFloat_AS_DOUBLE(input));
    } else if (PyBytes_Check(input)) {
      added.text.assign(PyBytes_AS_STRING(input), static_cast<size_t>(PyBytes_GET_SIZE(input)));
      added.input.kind = json::kind::bytes;
    } else if (input != Py_None) {
      return bad_spec("a choice's value");
    }
    if (PyErr_Occurred() != nullptr) return false;
  }
  for (schema::choice& each : to.choices) {
    if (each.input.is_text()) each.input = json::value::of_text(each.text, each.input.kind);
  }
  return true;
}

bool spec_reader::import_objects(const schema::type& of, PyObject* type) {
  python::converter& convert = plan_.convert;
  if (of.kind == type_kind::decimal) convert.decimal_type = ref::share(type);
  if (of.kind == type_kind::uuid) {
    convert.uuid_type = ref::share(type);
    const ref module = ref::steal(PyImport_ImportModule("uuid"));
    const ref safety = module ? ref::steal(PyObject_GetAttrString(module.get(), "SafeUUID")) : ref();
    if (!safety) return false;
    convert.uuid_safety = ref::steal(PyObject_GetAttrString(safety.get(), "unknown"));
    convert.uuid_int_name = ref::steal(PyUnicode_InternFromString("int"));
    convert.uuid_safe_name = ref::steal(PyUnicode_InternFromString("is_safe"));
    return convert.uuid_safety && convert.uuid_int_name && convert.uuid_safe_name;
  }
  if (of.kind == type_kind::dataclass) {
    python::record_maker& maker = convert.records[of.id];
    maker.type = ref::share(type);
    if (PyObject_HasAttrString(type, "__post_init__") != 0) {
      maker.post_init = ref::steal(PyUnicode_InternFromString("__post_init__"));
    }
  }
  return true;
}

bool spec_reader::read_class(PyObject* spec, schema::type& to) {
  const bool is_moment = to.kind == type_kind::date || to.kind == type_kind::time || to.kind == type_kind::datetime ||
                         to.kind == type_kind::timedelta;
  if (is_moment && plan_.convert.datetime == nullptr) {
    plan_.convert.datetime = static_cast<const PyDateTime_CAPI*>(PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0));
    if (plan_.convert.datetime == nullptr) return false;
  }
  PyObject* expected = item(spec, "expected");
  if (expected != nullptr && !read_text(expected, to.expected)) return false;
  PyObject* name = item(spec, "class_name");
  if (name != nullptr && !read_text(name, to.class_name)) return false;
  PyObject* mixed = item(spec, "mixed");
  if (mixed != nullptr && !read_mixed(mixed, to)) return false;
  PyObject* type = item(spec, "class");
  return type == nullptr || import_objects(to, type);
}

bool spec_reader::read_default(PyObject* spec, python::fallback& to) {
  if (PyObject* value = item(spec, "default")) to.value = ref::share(value);
  if (PyObject* factory = item(spec, "factory")) to.factory = ref::share(factory);
  if (!read_flag(spec, "copied", to.copied)) return false;
  if (!to.copied || plan_.convert.deep_copy) return true;
  const ref module = ref::steal(PyImport_ImportModule("copy"));
  if (!module) return false;
  plan_.convert.deep_copy = ref::steal(PyObject_GetAttrString(module.get(), "deepcopy"));
  return static_cast<bool>(plan_.convert.deep_copy);
}

bool spec_reader::read_parameter(PyObject* spec) {
  if (!PyDict_Check(spec)) return bad_spec("a parameter");
  schema::parameter& to = plan_.shape.add_parameter();
  const size_t from = read_name(item(spec, "from"), origins);
  if (from == std::size(origins)) return false;
  to.from = static_cast<schema::origin>(from);
  python::fallback& fallback = plan_.defaults.emplace_back();
  if (to.from == schema::origin::request) return true;
  uint64_t path_index = 0;
  if (!read_text(item(spec, "alias"), to.alias) || !read_text(item(spec, "shown"), to.shown) ||
      !read_flag(spec, "required", to.required) || !read_flag(spec, "collects", to.collects) ||
      !read_flag(spec, "sequence", to.is_sequence) || !read_count(spec, "path_index", path_index)) {
    return false;
  }
  to.path_index = static_cast<uint32_t>(path_index);
  PyObject* type = item(spec, "type");
  if (type == nullptr) return bad_spec("a parameter's type");
  to.type = type_at(type);
  return to.type != nullptr && read_default(spec, fallback);
}

bool spec_reader::order_arguments(PyObject* parameters) {
  const auto count = static_cast<size_t>(PyList_GET_SIZE(parameters));
  std::vector<size_t> named;
  for (size_t i = 0; i < count; ++i) {
    bool keyword = false;
    if (!read_flag(PyList_GET_ITEM(parameters, static_cast<Py_ssize_t>(i)), "keyword", keyword)) return false;
    (keyword ? named : plan_.call_order).push_back(i);
  }
  plan_.positional_count = plan_.call_order.size();
  if (named.empty()) return true;
  plan_.keywords = ref::steal(PyTuple_New(static_cast<Py_ssize_t>(named.size())));
  if (!plan_.keywords) return false;
  for (size_t i = 0; i < named.size(); ++i) {
    PyObject* name = item(PyList_GET_ITEM(parameters, static_cast<Py_ssize_t>(named[i])), "name");
    if (name == nullptr || !PyUnicode_Check(name)) return bad_spec("a parameter's name");
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    PyTuple_SET_ITEM(plan_.keywords.get(), static_cast<Py_ssize_t>(i), name);
    plan_.call_order.push_back(named[i]);
  }
  return true;
}

}  // namespace

bool read_spec(PyObject* spec, compiled_plan& into) { return spec_reader(into).read(spec); }

}  // namespace fasterapi::bindings
