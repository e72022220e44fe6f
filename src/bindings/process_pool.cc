#include "bindings/process_pool.h"

#include <utility>

#include "core/cpus.h"
#include "core/topology.h"

namespace fasterapi::bindings {

process_pool& process_pool::here() noexcept {
  // Never destroyed: threads may outlive the program's static objects.
  static auto& pool = *new process_pool;
  return pool;
}

core::result<std::shared_ptr<shared_workers>> process_pool::join(int64_t interpreter, std::vector<std::string> path) {
  const std::lock_guard lock(mutex_);
  if (workers_ == nullptr) {
    auto prepared = std::make_shared<preparation>();
    prepared->path = std::move(path);
    python::crew_plan plan;
    plan.pinned = static_cast<size_t>(core::usable_cpus());
    plan.queue_size = pool_queue_size;
    plan.machine = core::topology::read(core::allowed_cpus());
    plan.prepare = [this, prepared](const python::gil& held, python::place& here) {
      {
        const std::lock_guard known(mutex_);
        own_.insert(here.interpreter_id);
      }
      return prepared->prepare(held, here);
    };
    auto made = std::make_shared<shared_workers>();
    made->crew = TRY(python::crew::launch(std::move(plan)));
    made->prepared = std::move(prepared);
    if (!made->crew->started().ok()) return made;
    workers_ = std::move(made);
  }
  if (!own_.contains(interpreter)) users_.insert(interpreter);
  return workers_;
}

std::shared_ptr<python::crew> process_pool::leave(int64_t interpreter) {
  const std::lock_guard lock(mutex_);
  if (users_.erase(interpreter) == 0 || !users_.empty()) return nullptr;
  const std::shared_ptr<shared_workers> last = std::exchange(workers_, nullptr);
  last->is_shut_down.store(true, std::memory_order_release);
  return last->crew;
}

}  // namespace fasterapi::bindings
