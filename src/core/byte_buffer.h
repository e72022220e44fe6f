#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fasterapi::core {

// A growable run of bytes with a hard bound.
//
// Owner: exactly one object on one thread; views into it are valid until the next append, clear or move.
// Failure is sticky: an append that would pass `max_size`, or that gets no memory, drops its bytes and sets failed();
// writers append freely and check failed() once at the end. clear() resets it and keeps the memory.
class byte_buffer {
 public:
  static constexpr size_t default_max_size = size_t{1} << 30;

  explicit byte_buffer(size_t max_size = default_max_size) noexcept : max_size_(max_size) {}
  ~byte_buffer();
  byte_buffer(byte_buffer&& other) noexcept;
  byte_buffer& operator=(byte_buffer&& other) noexcept;
  byte_buffer(const byte_buffer&) = delete;
  byte_buffer& operator=(const byte_buffer&) = delete;

  void append(std::string_view bytes) noexcept {
    if (bytes.empty()) return;
    if (char* to = extend(bytes.size())) std::memcpy(to, bytes.data(), bytes.size());
  }
  void append(char byte) noexcept {
    if (char* to = extend(1)) *to = byte;
  }

  // Room for `count` more bytes, counted as appended; null when failed. The caller fills all of it.
  char* extend(size_t count) noexcept {
    if (count > capacity_ - size_ && !grow(count)) [[unlikely]]
      return nullptr;
    char* to = data_ + size_;
    size_ += count;
    return to;
  }

  // Room for up to `count` more bytes, not yet counted; call commit() with how many were written.
  char* prepare(size_t count) noexcept {
    if (count > capacity_ - size_ && !grow(count)) [[unlikely]]
      return nullptr;
    return data_ + size_;
  }
  void commit(size_t count) noexcept { size_ += count; }

  // Drops the bytes past `size`; `size` must not exceed size().
  void truncate(size_t size) noexcept { size_ = size; }
  // Drops `count` bytes from the front.
  void consume(size_t count) noexcept;
  void clear() noexcept {
    size_ = 0;
    failed_ = false;
  }
  // clear(), and gives memory above `keep_capacity` back.
  void shrink(size_t keep_capacity) noexcept;

  char* data() noexcept { return data_; }
  const char* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  bool failed() const noexcept { return failed_; }
  std::string_view view() const noexcept { return {data_, size_}; }

 private:
  bool grow(size_t more) noexcept;

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  size_t max_size_;
  bool failed_ = false;
};

}  // namespace fasterapi::core
