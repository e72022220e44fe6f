#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "net/listener.h"

namespace fasterapi::server {

// How a shard ends. A later one goes before an earlier one.
enum class ending : uint8_t {
  none,
  drain,  // others accept from its listeners from now on: what waits there is theirs, and there is time
  stop,   // nobody accepts any more
};

// What other threads ask of a shard, until its driver takes it. Any thread may call any member.
class orders {
 public:
  // A listener of another shard, to accept from while that one is not there; `key` names it.
  struct extra {
    int key;
    net::listener from;
  };
  struct batch {
    ending end = ending::none;
    std::vector<extra> added;
    std::vector<int> removed;  // keys, carried out before what was added
  };

  void end(ending how) {
    const std::lock_guard lock(mutex_);
    waiting_.end = std::max(waiting_.end, how);
    any_.store(true, std::memory_order_release);
  }
  void add(extra given) {
    const std::lock_guard lock(mutex_);
    waiting_.added.push_back(std::move(given));
    any_.store(true, std::memory_order_release);
  }
  void remove(int key) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_.added, [key](const extra& one) { return one.key == key; });
    waiting_.removed.push_back(key);
    any_.store(true, std::memory_order_release);
  }

  bool any() const noexcept { return any_.load(std::memory_order_acquire); }
  // Everything since the last call.
  batch take() {
    const std::lock_guard lock(mutex_);
    any_.store(false, std::memory_order_relaxed);
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  batch waiting_;  // guarded by mutex_
  std::atomic<bool> any_ = false;
};

}  // namespace fasterapi::server
