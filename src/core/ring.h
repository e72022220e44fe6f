#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace fasterapi::core {

// A first-in, first-out queue in one growing block of memory; it does not shrink.
//
// Owner: one thread. T is cheap to move and default-constructible.
template <typename T>
class ring {
 public:
  bool empty() const noexcept { return size_ == 0; }
  size_t size() const noexcept { return size_; }

  void push(T item) {
    if (size_ == slots_.size()) grow();
    slots_[(first_ + size_) & (slots_.size() - 1)] = std::move(item);
    ++size_;
  }
  // Must not be empty.
  T pop() {
    T item = std::move(slots_[first_]);
    first_ = (first_ + 1) & (slots_.size() - 1);
    --size_;
    return item;
  }
  // The item that pop() would give after `index` others.
  T& at(size_t index) { return slots_[(first_ + index) & (slots_.size() - 1)]; }

 private:
  static constexpr size_t first_capacity = 64;  // a power of two, as every later one

  void grow() {
    std::vector<T> larger(slots_.empty() ? first_capacity : slots_.size() * 2);
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move(at(i));
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace fasterapi::core
