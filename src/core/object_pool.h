#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace fasterapi::core {

// Objects of one type, made in slabs and reused; a warm pool does not call malloc.
//
// Owner: one thread. Addresses are stable. Objects are constructed by acquire() and destroyed by release(); slabs are
// freed with the pool, which must outlive its objects. acquire() returns null when `max_objects` are in use or there is
// no memory.
template <typename T>
class object_pool {
 public:
  static constexpr size_t slab_objects = 64;

  explicit object_pool(size_t max_objects) noexcept : max_objects_(max_objects) {}
  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;

  template <typename... Args>
  T* acquire(Args&&... args) noexcept {
    if (free_ == nullptr && !add_slab()) return nullptr;
    slot* taken = free_;
    free_ = taken->next;
    ++in_use_;
    return new (taken->bytes) T(std::forward<Args>(args)...);
  }

  void release(T* object) noexcept {
    object->~T();
    auto* freed = reinterpret_cast<slot*>(object);
    freed->next = free_;
    free_ = freed;
    --in_use_;
  }

  size_t in_use() const noexcept { return in_use_; }

 private:
  union slot {
    slot* next;
    alignas(T) std::byte bytes[sizeof(T)];
  };

  bool add_slab() noexcept {
    if (in_use_ >= max_objects_) return false;
    std::unique_ptr<slot[]> slab(new (std::nothrow) slot[slab_objects]);
    if (!slab) return false;
    for (size_t i = 0; i < slab_objects; ++i) {
      slab[i].next = free_;
      free_ = &slab[i];
    }
    slabs_.push_back(std::move(slab));
    return true;
  }

  std::vector<std::unique_ptr<slot[]>> slabs_;
  slot* free_ = nullptr;
  size_t in_use_ = 0;
  const size_t max_objects_;
};

}  // namespace fasterapi::core
