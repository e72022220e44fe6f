#include "core/byte_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace fasterapi::core {

namespace {
constexpr size_t smallest_capacity = 256;
}

byte_buffer::~byte_buffer() { std::free(data_); }

byte_buffer::byte_buffer(byte_buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      max_size_(other.max_size_),
      failed_(std::exchange(other.failed_, false)) {}

byte_buffer& byte_buffer::operator=(byte_buffer&& other) noexcept {
  if (this == &other) return *this;
  std::free(data_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  max_size_ = other.max_size_;
  failed_ = std::exchange(other.failed_, false);
  return *this;
}

void byte_buffer::consume(size_t count) noexcept {
  if (count == 0) return;  // there may be no memory yet
  size_ -= count;
  std::memmove(data_, data_ + count, size_);
}

void byte_buffer::shrink(size_t keep_capacity) noexcept {
  clear();
  if (capacity_ <= keep_capacity) return;
  std::free(data_);
  data_ = nullptr;
  capacity_ = 0;
}

bool byte_buffer::grow(size_t more) noexcept {
  if (failed_ || more > max_size_ - size_) {
    failed_ = true;
    return false;
  }
  const size_t needed = size_ + more;
  const size_t wanted = std::min(std::max({needed, capacity_ + capacity_ / 2, smallest_capacity}), max_size_);
  char* grown = static_cast<char*>(std::realloc(data_, wanted));
  if (grown == nullptr) {
    failed_ = true;
    return false;
  }
  data_ = grown;
  capacity_ = wanted;
  return true;
}

}  // namespace fasterapi::core
