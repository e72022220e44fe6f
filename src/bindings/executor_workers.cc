#include "bindings/executor_workers.h"

#include <utility>

#include "bindings/worker_state.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "fasterapi/python/ref.h"
#include "python/module_path.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

bool set_shared(python::border& by, const python::parcel& shared) noexcept {
  if (shared.size() == 0) return true;
  const ref names = ref::steal(by.unpack(shared));
  PyObject* main = PyImport_AddModule("__main__");
  return names && main != nullptr && PyDict_Update(PyModule_GetDict(main), names.get()) == 0;
}

}  // namespace

core::result<> preparation::prepare(const python::gil& held, python::place& here) {
  core::result<> prepared = run(here);
  if (prepared.ok()) return prepared;
  core::error why = python::error::take(held).as_core();
  why.code = python::errc::interpreter_failed;
  why.message = prepared.failure().message + why.message;
  {
    const std::lock_guard lock(mutex_);
    why_ = why.message;
  }
  broken_.store(true, std::memory_order_release);
  return why;
}

// An error says what failed; the exception is set.
core::result<> preparation::run(python::place& here) {
  python::border* by = python::set_module_path(path) ? python::border::here() : nullptr;
  worker_state* state = by != nullptr ? worker_state::of(here) : nullptr;
  if (state == nullptr) return core::error{python::errc::raised, "an interpreter could not be prepared: "};
  by->use_pickler("fasterapi._functions");
  if (!set_shared(*by, shared)) return core::error{python::errc::raised, "the shared values could not be set: "};
  if (initializer == nullptr) return core::nothing{};
  ref held;
  PyObject* function = state->function(*by, *initializer, held);
  if (function == nullptr || !ref::steal(by->call(function, arguments))) {
    return core::error{python::errc::raised, "the initializer failed: "};
  }
  return core::nothing{};
}

std::string preparation::why_broken() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

}  // namespace fasterapi::bindings
