#include "schema/pattern_dialect.h"

#include <algorithm>
#include <cctype>

namespace fasterapi::schema {

namespace {

constexpr std::string_view word_class = "\\p{L}\\p{M}\\p{N}\\p{Pc}";
constexpr std::string_view space_class = "\\t\\n\\x{0b}\\f\\r \\x{85}\\p{Z}";

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

class translator {
 public:
  translator(std::string_view pattern, std::string& re2, std::string& reason)
      : pattern_(pattern), re2_(re2), reason_(reason) {}

  bool translate() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        if (!take_escape()) return false;
        continue;
      }
      if (in_class_) {
        take_in_class(c);
      } else {
        take_outside(c);
      }
    }
    return true;
  }

 private:
  void take_in_class(char c) {
    if (c == ']' && at_ != class_start_) in_class_ = false;
    copy(1);
  }

  void take_outside(char c) {
    if (c == '[') {
      in_class_ = true;
      copy(1);
      if (at_ < pattern_.size() && pattern_[at_] == '^') copy(1);
      class_start_ = at_;
    } else if (pattern_.substr(at_).starts_with("(?<") && at_ + 3 < pattern_.size() && pattern_[at_ + 3] != '=' &&
               pattern_[at_ + 3] != '!') {
      re2_ += "(?P<";
      at_ += 3;
    } else {
      copy(1);
    }
  }

  bool take_escape() {
    const char letter = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
    switch (letter) {
      case 'd':
        return replace("\\p{Nd}");
      case 'D':
        return replace("\\P{Nd}");
      case 'w':
      case 'W':
        return take_class(word_class, letter == 'W');
      case 's':
      case 'S':
        return take_class(space_class, letter == 'S');
      case 'u':
        return take_code_point();
      default:
        copy(std::min(pattern_.size() - at_, size_t{2}));
        return true;
    }
  }

  bool take_class(std::string_view members, bool negated) {
    if (in_class_ && negated) {
      reason_ = "\\W and \\S cannot stand inside of brackets";
      return false;
    }
    if (!in_class_) re2_ += negated ? "[^" : "[";
    re2_ += members;
    if (!in_class_) re2_ += ']';
    at_ += 2;
    return true;
  }

  bool take_code_point() {
    const std::string_view rest = pattern_.substr(at_ + 2);
    if (rest.starts_with('{')) return replace("\\x");
    if (rest.size() < 4 || !std::all_of(rest.begin(), rest.begin() + 4, is_hex)) {
      reason_ = "\\u must be followed by four hexadecimal digits";
      return false;
    }
    re2_ += "\\x{";
    re2_ += rest.substr(0, 4);
    re2_ += '}';
    at_ += 6;
    return true;
  }

  bool replace(std::string_view by) {
    re2_ += by;
    at_ += 2;
    return true;
  }

  void copy(size_t count) {
    re2_ += pattern_.substr(at_, count);
    at_ += count;
  }

  std::string_view pattern_;
  std::string& re2_;
  std::string& reason_;
  size_t at_ = 0;
  size_t class_start_ = 0;
  bool in_class_ = false;
};

}  // namespace

bool to_re2(std::string_view pattern, std::string& re2, std::string& reason) {
  return translator(pattern, re2, reason).translate();
}

}  // namespace fasterapi::schema
