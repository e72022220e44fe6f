#include "bindings/executor_side.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "python/border.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

std::atomic<uint64_t> last_function_id{0};

// Whether each place still has the value it had when the function was described.
bool holds(PyObject* guards) noexcept {
  const Py_ssize_t count = PyTuple_GET_SIZE(guards);
  for (Py_ssize_t i = 0; i + 2 < count; i += 3) {
    PyObject* place = PyTuple_GET_ITEM(guards, i);
    PyObject* now =
        PyCell_Check(place) ? PyCell_GET(place) : PyDict_GetItemWithError(place, PyTuple_GET_ITEM(guards, i + 1));
    if (now != PyTuple_GET_ITEM(guards, i + 2)) return false;
  }
  return true;
}

bool read_description(PyObject* from, function_description& to) noexcept {
  if (PyBytes_Check(from)) return python::border::wrap_pickle(from, to.made);
  const char *module, *qualname;
  if (!PyArg_ParseTuple(from, "ss", &module, &qualname)) return false;
  to.module = module;
  to.qualname = qualname;
  return true;
}

}  // namespace

executor_side::~executor_side() {
  for (const auto& [call, future] : watched_) call->release();
  port_->close();
  port_->release();
}

std::shared_ptr<const function_description> executor_side::description(PyObject* function,
                                                                       PyObject* describe) noexcept {
  const auto known = functions_.find(function);
  if (known != functions_.end()) {
    if (holds(known->second.guards.get())) return known->second.description;
    // What it held is let go of when the table is as it should be: that may run Python code.
    const known_function outdated = std::move(known->second);
    functions_.erase(known);
  }
  const ref described = ref::steal(PyObject_CallOneArg(describe, function));
  PyObject *how, *guards;
  if (!described || !PyArg_ParseTuple(described.get(), "OO", &how, &guards)) return nullptr;
  auto made = std::make_shared<function_description>();
  if (!read_description(how, *made)) return nullptr;
  if (guards == Py_None) return made;
  made->id = last_function_id.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto outdated = functions_.size() >= functions_max ? std::exchange(functions_, {}) : decltype(functions_)();
  functions_.try_emplace(function, known_function{ref::share(function), ref::share(guards), made});
  return made;
}

void executor_side::watch(remote_call& call, PyObject* future) {
  call.retain();
  watched_.insert_or_assign(&call, ref::share(future));
}

ref executor_side::unwatch(remote_call& call) noexcept {
  const auto found = watched_.find(&call);
  if (found == watched_.end()) return {};
  ref future = std::move(found->second);
  watched_.erase(found);
  call.release();
  return future;
}

void executor_side::enlist(std::weak_ptr<python::crew> made) {
  std::erase_if(crews_, [](const auto& each) { return each.expired(); });
  crews_.push_back(std::move(made));
}

std::vector<std::shared_ptr<python::crew>> executor_side::crews() const {
  std::vector<std::shared_ptr<python::crew>> living;
  for (const auto& each : crews_) {
    if (auto one = each.lock()) living.push_back(std::move(one));
  }
  return living;
}

}  // namespace fasterapi::bindings
