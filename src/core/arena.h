#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <string_view>
#include <type_traits>

namespace fasterapi::core {

// Memory for the values of one request: allocated by bumping a pointer, freed all at once by reset().
//
// Owner: one thread. Nothing is destroyed, so only trivially destructible types live here. The first block is kept
// across resets, so a warm arena does not call malloc. An allocation past `max_size` bytes, or that gets no memory,
// returns null and sets failed() until reset().
class arena {
 public:
  static constexpr size_t block_size = 4096;
  static constexpr size_t default_max_size = size_t{256} << 20;

  explicit arena(size_t max_size = default_max_size) noexcept : max_size_(max_size) {}
  ~arena();
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  void* allocate(size_t size, size_t alignment) noexcept {
    const uintptr_t at = (next_ + alignment - 1) & ~(uintptr_t{alignment} - 1);
    if (at + size > end_ || next_ == 0) [[unlikely]]
      return allocate_block(size, alignment);
    next_ = at + size;
    return reinterpret_cast<void*>(at);
  }

  // `count` value-initialised objects, or null.
  template <typename T>
  T* make_array(size_t count) noexcept {
    static_assert(std::is_trivially_destructible_v<T>);
    constexpr size_t each = sizeof(T);  // NOLINT(bugprone-sizeof-expression): T may be a pointer
    if (count > max_size_ / each) {
      failed_ = true;
      return nullptr;
    }
    void* at = allocate(count * each, alignof(T));
    if (at == nullptr) return nullptr;
    T* first = static_cast<T*>(at);
    for (size_t i = 0; i < count; ++i) new (first + i) T();
    return first;
  }

  template <typename T>
  T* make() noexcept {
    return make_array<T>(1);
  }

  // A copy of `text` that lives until reset(); an empty view when there was no memory (see failed()).
  std::string_view copy(std::string_view text) noexcept {
    char* to = static_cast<char*>(allocate(text.size(), 1));
    if (to == nullptr || text.empty()) return {};
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  // The parts one after the other, likewise.
  std::string_view join(std::initializer_list<std::string_view> parts) noexcept {
    size_t size = 0;
    for (std::string_view part : parts) size += part.size();
    char* joined = static_cast<char*>(allocate(size, 1));
    if (joined == nullptr) return {};
    char* to = joined;
    for (std::string_view part : parts) {
      if (!part.empty()) std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
    return {joined, size};
  }

  void reset() noexcept;
  bool failed() const noexcept { return failed_; }

 private:
  struct block {
    block* previous;
    size_t size;
  };
  void* allocate_block(size_t size, size_t alignment) noexcept;

  uintptr_t next_ = 0;
  uintptr_t end_ = 0;
  block* last_ = nullptr;
  size_t used_ = 0;
  size_t max_size_;
  bool failed_ = false;
};

}  // namespace fasterapi::core
