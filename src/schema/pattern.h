#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace fasterapi::schema {

// A compiled regular expression that is matched in time linear in the text. RE2 matches it; its syntax is that of
// to_re2().
//
// Constant after construction; any thread may search with it.
class pattern {
 public:
  // Null when RE2 cannot take `source`; `reason` then says why.
  static std::unique_ptr<pattern> create(std::string_view source, std::string& reason);
  ~pattern();
  pattern(const pattern&) = delete;
  pattern& operator=(const pattern&) = delete;

  // Whether it matches anywhere in `text` (UTF-8).
  bool search(std::string_view text) const noexcept;
  std::string_view source() const noexcept { return source_; }

 private:
  pattern(std::string source, std::unique_ptr<re2::RE2> compiled) noexcept;

  std::string source_;
  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace fasterapi::schema
