#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "fasterapi/core/result.h"
#include "fasterapi/python/value.h"
#include "python/shared_block.h"

namespace fasterapi::python {

// How deep values may lie in each other; deeper ones are pickled, or refused where there is no Python.
inline constexpr int parcel_depth_max = 100;

// What each item of a parcel begins with. Sizes are one byte, or size_follows and eight; numbers have the machine's
// order of bytes, since a parcel never leaves its process.
enum class parcel_tag : uint8_t {
  none,
  no,
  yes,
  small_integer,  // one byte, signed
  integer,        // eight bytes, signed
  big_integer,    // size; two's complement, the lowest byte first
  digits,         // size; decimal text
  real,           // eight bytes
  ascii,          // size; characters of one byte below 128
  latin1,         // size; characters of one byte, one of them at least above 127
  ucs2,           // size; characters of two bytes, one of them at least above 255
  ucs4,           // size; characters of four bytes, one of them at least above 65535
  utf8,           // size; text as C++ has it, lone surrogates in three bytes
  bytes,          // size
  tuple,          // size; items
  list,           // size; items
  dict,           // size; keys and items in turn
  view,           // size: which block
  lent_bytes,     // size: which block; bytes that are copied only where they arrive
  pickle,         // size: how many blocks, all of the parcel's; size; the pickle
  call            // size: positional arguments; size: keyword arguments; the latter's names; all arguments
};

// Values on their way between interpreters: flat bytes, and blocks of memory that are handed on without a copy.
//
// Owner: one thread at a time, attached or not. Small parcels need no memory beyond their own.
class parcel {
 public:
  // An empty one holds None.
  parcel() noexcept = default;
  parcel(parcel&& other) noexcept { take(other); }
  parcel& operator=(parcel&& other) noexcept {
    if (this == &other) return *this;
    discard();
    take(other);
    return *this;
  }
  ~parcel() { discard(); }

  // errc::not_plain where values lie deeper than parcel_depth_max or a text is no UTF-8.
  static core::result<parcel> of(const value& plain);
  // A view becomes bytes. errc::not_plain where something in it is known to Python only.
  core::result<value> read() const;

  const char* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  std::string_view bytes() const noexcept { return {data_, size_}; }
  const std::vector<block_ref>& blocks() const noexcept { return blocks_; }

  // Room for `more` bytes at the end, which count as written; null where there is no memory.
  char* extend(size_t more) noexcept {
    if (more > capacity_ - size_ && !grow(more)) return nullptr;
    char* place = data_ + size_;
    size_ += more;
    return place;
  }
  bool put(parcel_tag tag) noexcept {
    char* place = extend(1);
    if (place == nullptr) return false;
    *place = static_cast<char>(tag);
    return true;
  }
  bool put_size(size_t count) noexcept {
    char* place = extend(count < size_follows ? 1 : 9);
    if (place == nullptr) return false;
    *place = static_cast<char>(count < size_follows ? count : size_follows);
    if (count >= size_follows) std::memcpy(place + 1, &count, sizeof count);
    return true;
  }
  bool put_raw(parcel_tag tag, const void* from, size_t count) noexcept {
    char* place = extend(1 + count);
    if (place == nullptr) return false;
    *place = static_cast<char>(tag);
    std::memcpy(place + 1, from, count);
    return true;
  }
  bool put_sized(parcel_tag tag, size_t count, const void* from, size_t size) noexcept {
    return put(tag) && put_size(count) && put_bytes(from, size);
  }
  bool put_bytes(const void* from, size_t size) noexcept {
    char* place = extend(size);
    if (place != nullptr && size != 0) std::memcpy(place, from, size);
    return place != nullptr;
  }
  // The block's index.
  size_t add(block_ref block) {
    blocks_.push_back(std::move(block));
    return blocks_.size() - 1;
  }
  // Back to nothing.
  void clear() noexcept {
    size_ = 0;
    blocks_.clear();
  }

  static constexpr size_t size_follows = 255;

 private:
  bool grow(size_t more) noexcept;
  void discard() noexcept {
    if (data_ != inline_) std::free(data_);
  }
  void take(parcel& other) noexcept {
    blocks_ = std::move(other.blocks_);
    other.blocks_.clear();
    size_ = std::exchange(other.size_, 0);
    if (other.data_ == other.inline_) {
      data_ = inline_;
      std::memcpy(inline_, other.inline_, size_);
    } else {
      data_ = std::exchange(other.data_, other.inline_);
    }
    capacity_ = std::exchange(other.capacity_, sizeof inline_);
  }

  char* data_ = inline_;
  size_t size_ = 0;
  size_t capacity_ = sizeof inline_;
  std::vector<block_ref> blocks_;
  char inline_[80];
};

// Reads the bytes of a parcel in their order. The parcel was made by this process: its form is asserted, not checked.
class parcel_reader {
 public:
  explicit parcel_reader(const parcel& from) noexcept : at_(from.data()), end_(from.data() + from.size()) {}

  bool at_end() const noexcept { return at_ == end_; }
  parcel_tag peek() const noexcept { return static_cast<parcel_tag>(*at_); }
  parcel_tag tag() noexcept { return static_cast<parcel_tag>(*at_++); }
  size_t size() noexcept {
    const auto first = static_cast<uint8_t>(*at_++);
    return first < parcel::size_follows ? first : number<size_t>();
  }
  const char* raw(size_t count) noexcept {
    const char* place = at_;
    at_ += count;
    return place;
  }
  template <typename Number>
  Number number() noexcept {
    Number made;
    std::memcpy(&made, raw(sizeof made), sizeof made);
    return made;
  }

 private:
  const char* at_;
  const char* end_;
};

}  // namespace fasterapi::python
