#include "python/call_job.h"

#include <string_view>

#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "python/border.h"
#include "python/dict_item.h"

namespace fasterapi::python {

namespace {

// Functions that an interpreter remembers; when there are more it forgets them all and begins anew.
constexpr Py_ssize_t functions_max = 4096;

}  // namespace

bool call_job::run(const gil& held, place& here) noexcept {
  made_.emplace(call(held, here));
  return made_->ok();
}

core::result<value> call_job::call(const gil& held, place& here) const {
  const ref function = TRY(find(held, here));
  border* at = border::here();
  const ref arguments = ref::steal(at == nullptr ? nullptr : at->unpack(arguments_));
  const ref keywords = ref::steal(arguments ? at->unpack(keywords_) : nullptr);
  if (!keywords) return error::take(held).as_core();
  const ref returned = ref::steal(PyObject_Call(function.get(), arguments.get(), keywords.get()));
  if (!returned) return error::take(held).as_core();
  parcel result;
  if (!at->pack(returned.get(), result, views::copied)) return error::take(held).as_core();
  return result.read();
}

// The function, looked up once in each interpreter.
core::result<ref> call_job::find(const gil& held, place& here) const {
  const std::string key = module_ + ":" + qualname_;
  const ref name = ref::steal(
      here.functions ? PyUnicode_FromStringAndSize(key.data(), static_cast<Py_ssize_t>(key.size())) : nullptr);
  if (!name) return error::take(held).as_core();
  if (ref known = dict_item(here.functions.get(), name.get())) return known;
  if (PyErr_Occurred() != nullptr) return error::take(held).as_core();
  ref found = ref::steal(PyImport_ImportModule(module_.c_str()));
  if (!found) return error::take(held).as_core();
  for (std::string_view rest = qualname_; !rest.empty();) {
    const std::string part(rest.substr(0, rest.find('.')));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    found = ref::steal(PyObject_GetAttrString(found.get(), part.c_str()));
    if (!found) {
      PyErr_Clear();
      return core::error{errc::not_found, "module \"" + module_ + "\" has no \"" + qualname_ + "\""};
    }
  }
  if (PyDict_GET_SIZE(here.functions.get()) >= functions_max) PyDict_Clear(here.functions.get());
  if (PyDict_SetItem(here.functions.get(), name.get(), found.get()) != 0) return error::take(held).as_core();
  return found;
}

}  // namespace fasterapi::python
