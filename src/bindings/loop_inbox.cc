#include "bindings/loop_inbox.h"

#include <utility>

#include "net/poller.h"

namespace fasterapi::bindings {

void loop_inbox::open(const net::poller& wakes) {
  const std::lock_guard lock(mutex_);
  wakes_ = &wakes;
}

void loop_inbox::close() noexcept {
  std::vector<PyObject*> left;
  {
    const std::lock_guard lock(mutex_);
    wakes_ = nullptr;
    left.swap(items_);
    has_items_.store(false, std::memory_order_release);
  }
  for (PyObject* item : left) Py_DECREF(item);
}

bool loop_inbox::post(PyObject* item) {
  const std::lock_guard lock(mutex_);
  if (wakes_ == nullptr) return false;
  items_.push_back(item);
  has_items_.store(true, std::memory_order_release);
  wakes_->wake();
  return true;
}

std::vector<PyObject*> loop_inbox::take() {
  const std::lock_guard lock(mutex_);
  has_items_.store(false, std::memory_order_release);
  return std::exchange(items_, {});
}

int loop_inbox::traverse(visitproc visit, void* arg) const {
  for (PyObject* item : items_) Py_VISIT(item);
  return 0;
}

}  // namespace fasterapi::bindings
