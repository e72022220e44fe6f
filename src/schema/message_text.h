#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/arena.h"

namespace fasterapi::schema {

// Text put together in an arena: the message or the "ctx" of an error. Short; text past its room is cut.
class message_text {
 public:
  static constexpr size_t default_room = 256;

  explicit message_text(core::arena& arena, size_t room = default_room) noexcept
      : at_(arena.make_array<char>(room)), begin_(at_), end_(at_ == nullptr ? nullptr : at_ + room) {}

  message_text& add(std::string_view text) noexcept {
    const size_t size = text.size() < room() ? text.size() : room();
    if (size != 0) std::memcpy(at_, text.data(), size);
    at_ += size;
    return *this;
  }
  message_text& add(uint64_t number) noexcept {
    if (const auto [end, failure] = std::to_chars(at_, end_, number); failure == std::errc()) at_ = end;
    return *this;
  }
  std::string_view view() const noexcept { return {begin_, static_cast<size_t>(at_ - begin_)}; }

 private:
  size_t room() const noexcept { return static_cast<size_t>(end_ - at_); }

  char* at_;
  char* begin_;
  char* end_;
};

}  // namespace fasterapi::schema
