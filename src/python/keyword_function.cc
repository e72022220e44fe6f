#include "python/keyword_function.h"

#include <algorithm>
#include <string_view>

#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "python/border.h"

namespace fasterapi::python {

namespace {

// inspect.Parameter.kind
enum parameter_kind : long { positional_only, positional_or_keyword, var_positional, keyword_only, var_keyword };

ref text_object(std::string_view text) {
  return ref::steal(PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}

// Adds one inspect.Parameter. Empty for success, or what is wrong with it; a Python error may be set instead.
std::string add_parameter(PyObject* parameter, PyObject* no_default, keyword_parameters& to) {
  const ref name = ref::steal(PyObject_GetAttrString(parameter, "name"));
  const ref kind = ref::steal(PyObject_GetAttrString(parameter, "kind"));
  const ref fallback = ref::steal(PyObject_GetAttrString(parameter, "default"));
  const char* text = name ? PyUnicode_AsUTF8(name.get()) : nullptr;
  if (text == nullptr || !kind || !fallback) return {};
  const bool is_required = fallback.get() == no_default;
  switch (PyLong_AsLong(kind.get())) {
    case positional_only:
      return is_required ? std::string("has the positional-only parameter ") + text : std::string();
    case positional_or_keyword:
    case keyword_only:
      to.names.emplace_back(text);
      if (is_required) to.required.emplace_back(text);
      break;
    case var_keyword:
      to.takes_any = true;
      break;
    default:
      break;
  }
  return {};
}

core::error no_function(const std::string& module, const std::string& qualname, std::string_view why) {
  std::string message = module;
  message.append(".").append(qualname).append(why);
  return {errc::not_found, std::move(message), {}};
}

}  // namespace

core::result<keyword_function> keyword_function::find(const gil& held, const std::string& module,
                                                      const std::string& qualname) {
  ref found = ref::steal(PyImport_ImportModule(module.c_str()));
  if (!found) return error::take(held).as_core();
  for (std::string_view rest = qualname; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const ref name = text_object(part);
    found = ref::steal(name ? PyObject_GetAttr(found.get(), name.get()) : nullptr);
    if (!found) {
      PyErr_Clear();
      return no_function(module, qualname, " does not exist");
    }
  }
  if (PyCallable_Check(found.get()) != 0) return keyword_function(std::move(found));
  return no_function(module, qualname, " cannot be called");
}

core::result<keyword_parameters> keyword_function::parameters(const gil& held) const {
  const ref inspect = ref::steal(PyImport_ImportModule("inspect"));
  if (!inspect) return error::take(held).as_core();
  const ref suspends = ref::steal(PyObject_CallMethod(inspect.get(), "iscoroutinefunction", "O", function_.get()));
  const ref signature = ref::steal(PyObject_CallMethod(inspect.get(), "signature", "O", function_.get()));
  const ref parameter = ref::steal(PyObject_GetAttrString(inspect.get(), "Parameter"));
  const ref no_default = ref::steal(parameter ? PyObject_GetAttrString(parameter.get(), "empty") : nullptr);
  if (!suspends || !signature || !no_default) return error::take(held).as_core();
  if (suspends.get() == Py_True) return core::error{errc::not_plain, "the function is a coroutine function", {}};
  const ref by_name = ref::steal(PyObject_GetAttrString(signature.get(), "parameters"));
  const ref values = ref::steal(by_name ? PyObject_CallMethod(by_name.get(), "values", nullptr) : nullptr);
  const ref all = ref::steal(values ? PySequence_List(values.get()) : nullptr);
  if (!all) return error::take(held).as_core();
  keyword_parameters made;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all.get()); ++i) {
    std::string fault = add_parameter(PyList_GET_ITEM(all.get(), i), no_default.get(), made);
    if (PyErr_Occurred() != nullptr) return error::take(held).as_core();
    if (!fault.empty()) return core::error{errc::not_plain, "the function " + fault, {}};
  }
  return made;
}

core::result<value> keyword_function::call(const gil& held,
                                           const std::vector<std::pair<std::string, value>>& keywords) const {
  border* at = border::here();
  const ref nothing = ref::steal(at != nullptr ? PyTuple_New(0) : nullptr);
  const ref given = ref::steal(nothing ? PyDict_New() : nullptr);
  if (!given) return error::take(held).as_core();
  for (const auto& [name, plain] : keywords) {
    const parcel packed = TRY(parcel::of(plain));
    const ref key = text_object(name);
    const ref item = ref::steal(key ? at->unpack(packed) : nullptr);
    if (!item || PyDict_SetItem(given.get(), key.get(), item.get()) != 0) return error::take(held).as_core();
  }
  const ref returned = ref::steal(PyObject_Call(function_.get(), nothing.get(), given.get()));
  if (!returned) return error::take(held).as_core();
  parcel result;
  if (!at->pack(returned.get(), result, views::copied)) return error::take(held).as_core();
  return result.read();
}

}  // namespace fasterapi::python
