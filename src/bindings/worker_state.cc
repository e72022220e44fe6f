#include "bindings/worker_state.h"

#include <new>
#include <string>
#include <utility>

namespace fasterapi::bindings {

namespace {

using python::ref;

constexpr const char* capsule_name = "fasterapi.worker_state";

void destroy(PyObject* capsule) { delete static_cast<worker_state*>(PyCapsule_GetPointer(capsule, capsule_name)); }

// A dotted name, from where it begins.
ref attribute(ref from, const std::string& qualname) {
  for (size_t begin = 0; from && begin <= qualname.size();) {
    const size_t end = qualname.find('.', begin);
    from = ref::steal(PyObject_GetAttrString(from.get(), qualname.substr(begin, end - begin).c_str()));
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  return from;
}

}  // namespace

worker_state* worker_state::of(python::place& here) noexcept {
  if (here.data) return static_cast<worker_state*>(PyCapsule_GetPointer(here.data.get(), capsule_name));
  auto* made = new worker_state;
  here.data = ref::steal(PyCapsule_New(made, capsule_name, destroy));
  if (here.data) return made;
  delete made;
  return nullptr;
}

PyObject* worker_state::function(python::border& by, const function_description& described, ref& held) noexcept {
  if (described.id != 0) {
    const auto known = functions_.find(described.id);
    if (known != functions_.end()) {
      held = ref::share(known->second.get());
      return held.get();
    }
  }
  if (described.module.empty()) {
    held = ref::steal(by.unpack(described.made));
  } else {
    held = attribute(ref::steal(PyImport_ImportModule(described.module.c_str())), described.qualname);
  }
  if (held && described.id != 0) {
    // What is forgotten is let go of when the table is as it should be: that may run Python code.
    const auto forgotten = functions_.size() >= functions_max ? std::exchange(functions_, {}) : decltype(functions_)();
    functions_.try_emplace(described.id, ref::share(held.get()));
  }
  return held.get();
}

ref take_failure() noexcept {
  const ref raised = ref::steal(PyErr_GetRaisedException());
  const ref module = ref::steal(PyImport_ImportModule("fasterapi._failures"));
  ref described = module ? ref::steal(PyObject_CallMethod(module.get(), "describe", "O", raised.get())) : ref();
  if (!described) {
    PyErr_Clear();
    described = ref::steal(Py_BuildValue("(OsOs)", Py_None, Py_TYPE(raised.get())->tp_name, Py_None, ""));
  }
  return described;
}

}  // namespace fasterapi::bindings
