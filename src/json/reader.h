#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/arena.h"
#include "json/value.h"

namespace simdjson::dom {
class parser;
}

namespace fasterapi::json {

enum class read_status : uint8_t {
  ok,
  invalid,     // not JSON: see reader::problem()
  unreadable,  // not text in UTF-8, -16 or -32, nested too deeply, a number with too many digits, or no memory
};

// Why and where a text is not JSON, in the words of Python's json module.
struct read_problem {
  std::string_view message;  // escaped for a JSON string; lives as long as the program
  uint64_t position = 0;     // characters before it
};

// Reads JSON texts with the meaning that Python's json.loads gives them: NaN and the infinities are accepted, of two
// equal keys the last value wins, integers have any size up to 4300 digits, lone surrogates are kept.
//
// Owner: one thread; its buffers are reused from text to text. A read value is valid until the next read() or the
// arena's reset.
class reader {
 public:
  static constexpr uint32_t default_depth_max = 128;

  explicit reader(uint32_t depth_max = default_depth_max) noexcept;
  ~reader();
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  // `text` need not be padded; `out` may view it.
  [[nodiscard]] read_status read(std::string_view text, core::arena& arena, value& out) noexcept;
  uint32_t depth_max() const noexcept { return depth_max_; }
  // Of the last read() that was `invalid`.
  const read_problem& problem() const noexcept { return problem_; }

 private:
  bool prepare(size_t size) noexcept;
  // What simdjson refuses: all of Python's extensions, and the texts whose mistake is to be named.
  read_status read_slowly(std::string_view text, core::arena& arena, value& out) noexcept;

  std::unique_ptr<simdjson::dom::parser> parser_;
  uint32_t depth_max_;
  read_problem problem_;
};

}  // namespace fasterapi::json
