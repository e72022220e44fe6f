#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace fasterapi::core {

// Objects of one type, made in slabs and used again; a warm pool does not call malloc.
//
// Owner: one thread. Addresses are stable. An object is constructed once, with its slab, and goes from user to user
// through reset(), which release() calls: what reset() leaves (the capacity of a buffer, say) is there for the next.
// Slabs are freed with the pool, which must outlive its objects' use. acquire() returns null when `max_objects` are in
// use or there is no memory. An object needs a public member `T* pool_next`, which is the pool's while it is free.
template <typename T>
class object_pool {
 public:
  static constexpr size_t slab_objects = 32;

  explicit object_pool(size_t max_objects) noexcept : max_objects_(max_objects) {}
  ~object_pool() {
    while (slabs_) slabs_ = std::move(slabs_->previous);
  }
  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;

  T* acquire() noexcept {
    if (in_use_ >= max_objects_ || (free_ == nullptr && !add_slab())) return nullptr;
    T* taken = free_;
    free_ = taken->pool_next;
    ++in_use_;
    return taken;
  }

  void release(T& object) noexcept {
    object.reset();
    object.pool_next = free_;
    free_ = &object;
    --in_use_;
  }

  size_t in_use() const noexcept { return in_use_; }

 private:
  struct slab {
    std::unique_ptr<slab> previous;
    T objects[slab_objects];
  };

  bool add_slab() noexcept {
    std::unique_ptr<slab> added(new (std::nothrow) slab());
    if (!added) return false;
    for (size_t i = slab_objects; i-- > 0;) {
      added->objects[i].pool_next = free_;
      free_ = &added->objects[i];
    }
    added->previous = std::move(slabs_);
    slabs_ = std::move(added);
    return true;
  }

  std::unique_ptr<slab> slabs_;
  T* free_ = nullptr;
  size_t in_use_ = 0;
  const size_t max_objects_;
};

}  // namespace fasterapi::core
