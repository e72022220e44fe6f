#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "json/value.h"

namespace fasterapi::json {

// Reads one JSON text character by character, and refuses and accepts what Python's json.loads does, in its words.
// The reader turns to it for what simdjson does not take.
//
// Owner: one thread, for one text. `text` is UTF-8 in which lone surrogates may stand; values view it and the arena.
class scanner {
 public:
  enum class outcome : uint8_t {
    ok,
    invalid,    // message() and position() say why and where
    too_large,  // nested too deeply, an integer with too many digits, or no memory
  };

  scanner(std::string_view text, uint32_t depth_max, core::arena& arena) noexcept
      : text_(text), depth_left_(depth_max), arena_(arena) {}

  [[nodiscard]] outcome scan(value& out) noexcept;

  // As it stands between the quotes of a JSON string: its backslashes are escaped.
  std::string_view message() const noexcept { return message_; }
  // Characters before the place that `message` speaks of.
  uint64_t position() const noexcept;

 private:
  bool scan_value(value& out) noexcept;
  bool scan_number(value& out) noexcept;
  bool finish_integer(size_t start, value& out) noexcept;
  bool finish_real(size_t start, value& out) noexcept;
  bool scan_word(std::string_view word) noexcept;
  bool scan_string(value& out) noexcept;
  bool unescape(size_t begin, size_t plain_end, value& out) noexcept;
  bool take_escape(size_t begin, char*& to, bool& has_surrogate) noexcept;
  bool take_code_unit(uint32_t& unit) noexcept;
  bool scan_array(value& out) noexcept;
  bool scan_object(value& out) noexcept;
  bool scan_member(member& out) noexcept;

  void skip_space() noexcept;
  bool at(char c) const noexcept { return next_ < text_.size() && text_[next_] == c; }
  bool fail(std::string_view message, size_t at) noexcept;
  bool fail_size() noexcept;

  std::string_view text_;
  size_t next_ = 0;
  uint32_t depth_left_;
  core::arena& arena_;
  std::string_view message_;
  size_t failed_at_ = 0;
  bool too_large_ = false;
};

}  // namespace fasterapi::json
