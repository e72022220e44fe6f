#include "json/scanner.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "json/encoding.h"
#include "json/number.h"
#include "json/repeated_keys.h"

namespace fasterapi::json {

namespace {

constexpr std::string_view expecting_value = "Expecting value";
constexpr std::string_view unterminated = "Unterminated string starting at";
constexpr std::string_view invalid_unicode_escape = "Invalid \\\\uXXXX escape";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_high_surrogate(uint32_t unit) noexcept { return (unit & 0xFFFFFC00) == 0xD800; }
bool is_low_surrogate(uint32_t unit) noexcept { return (unit & 0xFFFFFC00) == 0xDC00; }
bool is_surrogate(uint32_t unit) noexcept { return (unit & 0xFFFFF800) == 0xD800; }

int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Whether text known to be UTF-8 with surrogates holds one.
bool holds_surrogate(std::string_view text) noexcept {
  for (size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
    if (at + 1 < text.size() && (text[at + 1] & 0xE0) == 0xA0) return true;
  }
  return false;
}

// Values of a container whose size is not known yet.
template <typename Element>
class growing {
 public:
  explicit growing(core::arena& arena) noexcept : arena_(arena) {}

  Element* add() noexcept {
    if (size_ == capacity_ && !grow()) return nullptr;
    return &elements_[size_++];
  }
  Element* data() noexcept { return elements_; }
  uint32_t size() const noexcept { return size_; }

 private:
  bool grow() noexcept {
    const uint32_t wanted = capacity_ == 0 ? 4 : capacity_ * 2;
    auto* larger = arena_.make_array<Element>(wanted);
    if (larger == nullptr) return false;
    if (size_ != 0) std::memcpy(static_cast<void*>(larger), elements_, size_ * sizeof(Element));
    elements_ = larger;
    capacity_ = wanted;
    return true;
  }

  core::arena& arena_;
  Element* elements_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace

scanner::outcome scanner::scan(value& out) noexcept {
  skip_space();
  if (scan_value(out)) {
    skip_space();
    if (next_ == text_.size()) return outcome::ok;
    fail("Extra data", next_);
  }
  return too_large_ ? outcome::too_large : outcome::invalid;
}

uint64_t scanner::position() const noexcept {
  uint64_t characters = 0;
  for (const char c : text_.substr(0, failed_at_)) characters += (c & 0xC0) != 0x80;
  return characters;
}

bool scanner::fail(std::string_view message, size_t at) noexcept {
  message_ = message;
  failed_at_ = at;
  return false;
}

bool scanner::fail_size() noexcept {
  too_large_ = true;
  return false;
}

void scanner::skip_space() noexcept {
  while (at(' ') || at('\t') || at('\n') || at('\r')) ++next_;
}

bool scanner::scan_word(std::string_view word) noexcept {
  if (text_.substr(next_, word.size()) != word) return fail(expecting_value, next_);
  next_ += word.size();
  return true;
}

bool scanner::scan_value(value& out) noexcept {
  if (next_ >= text_.size()) return fail(expecting_value, next_);
  switch (text_[next_]) {
    case '"':
      return scan_string(out);
    case '{':
      return scan_object(out);
    case '[':
      return scan_array(out);
    case 'n':
      out = value::of_null();
      return scan_word("null");
    case 't':
      out = value::of_boolean(true);
      return scan_word("true");
    case 'f':
      out = value::of_boolean(false);
      return scan_word("false");
    case 'N':
      out = value::of_real(std::numeric_limits<double>::quiet_NaN());
      return scan_word("NaN");
    case 'I':
      out = value::of_real(std::numeric_limits<double>::infinity());
      return scan_word("Infinity");
    case '-':
      if (text_.substr(next_).starts_with("-Infinity")) {
        out = value::of_real(-std::numeric_limits<double>::infinity());
        return scan_word("-Infinity");
      }
      return scan_number(out);
    default:
      return scan_number(out);
  }
}

bool scanner::scan_number(value& out) noexcept {
  const size_t start = next_;
  size_t end = start;
  const auto digit = [this](size_t at) { return at < text_.size() && is_digit(text_[at]); };
  if (text_[end] == '-') ++end;
  if (!digit(end)) return fail(expecting_value, start);
  if (text_[end] == '0') {
    ++end;
  } else {
    while (digit(end)) ++end;
  }
  bool is_real = false;
  if (end < text_.size() && text_[end] == '.' && digit(end + 1)) {
    is_real = true;
    for (++end; digit(end);) ++end;
  }
  if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
    size_t exponent = end + 1;
    if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
    if (digit(exponent)) {
      is_real = true;
      for (end = exponent; digit(end);) ++end;
    }
  }
  next_ = end;
  return is_real ? finish_real(start, out) : finish_integer(start, out);
}

bool scanner::finish_integer(size_t start, value& out) noexcept {
  const std::string_view digits = text_.substr(start, next_ - start);
  int64_t integer = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), integer).ec == std::errc()) {
    out = value::of_integer(integer);
    return true;
  }
  if (digits.size() - (digits[0] == '-') > integer_max_digits) return fail_size();
  out = value::of_text(digits, kind::big_integer);
  return true;
}

bool scanner::finish_real(size_t start, value& out) noexcept {
  double real = 0;
  if (!read_real(text_.substr(start, next_ - start), real)) return fail(expecting_value, start);
  out = value::of_real(real);
  return true;
}

bool scanner::scan_string(value& out) noexcept {
  const size_t begin = next_++;
  const size_t start = next_;
  for (; next_ < text_.size(); ++next_) {
    const char c = text_[next_];
    if (c == '"') {
      out = value::of_text(text_.substr(start, next_ - start));
      out.has_surrogate = holds_surrogate(out.view());
      ++next_;
      return true;
    }
    if (c == '\\') return unescape(begin, next_, out);
    if (static_cast<unsigned char>(c) < 0x20) return fail("Invalid control character at", next_);
  }
  return fail(unterminated, begin);
}

// Goes on with the string that begins at `begin` from its first escape.
bool scanner::unescape(size_t begin, size_t plain_end, value& out) noexcept {
  size_t end = plain_end;
  while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
  if (end > text_.size()) end = text_.size();
  char* const made = arena_.make_array<char>(end - begin);
  if (made == nullptr) return fail_size();
  const size_t plain = plain_end - begin - 1;
  std::memcpy(made, text_.data() + begin + 1, plain);
  char* to = made + plain;
  bool has_surrogate = false;
  for (next_ = plain_end; next_ < text_.size();) {
    const char c = text_[next_];
    if (c == '"') {
      out = value::of_text({made, static_cast<size_t>(to - made)});
      out.has_surrogate = has_surrogate || holds_surrogate(out.view());
      ++next_;
      return true;
    }
    if (c == '\\') {
      if (!take_escape(begin, to, has_surrogate)) return false;
      continue;
    }
    if (static_cast<unsigned char>(c) < 0x20) return fail("Invalid control character at", next_);
    *to++ = c;
    ++next_;
  }
  return fail(unterminated, begin);
}

bool scanner::take_escape(size_t begin, char*& to, bool& has_surrogate) noexcept {
  const size_t backslash = next_++;
  if (next_ == text_.size()) return fail(unterminated, begin);
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  const char letter = text_[next_++];
  if (letter != 'u') {
    const size_t meaning = letters.find(letter);
    if (meaning == std::string_view::npos) return fail("Invalid \\\\escape", backslash);
    *to++ = meanings[meaning];
    return true;
  }
  uint32_t unit = 0;
  if (!take_code_unit(unit)) return false;
  if (is_high_surrogate(unit) && text_.substr(next_, 2) == "\\u" && text_.size() - next_ > 6) {
    const size_t after_first = next_;
    next_ += 2;
    uint32_t low = 0;
    if (!take_code_unit(low)) return false;
    if (is_low_surrogate(low)) {
      unit = 0x10000 + ((unit & 0x3FF) << 10) + (low & 0x3FF);
    } else {
      next_ = after_first;
    }
  }
  has_surrogate = has_surrogate || is_surrogate(unit);
  to += put_utf8(unit, to);
  return true;
}

bool scanner::take_code_unit(uint32_t& unit) noexcept {
  if (text_.size() - next_ <= 4) return fail(invalid_unicode_escape, next_ - 1);
  for (size_t i = 0; i < 4; ++i) {
    const int digit = hex_value(text_[next_ + i]);
    if (digit < 0) return fail(invalid_unicode_escape, next_ - 1);
    unit = unit * 16 + static_cast<uint32_t>(digit);
  }
  next_ += 4;
  return true;
}

bool scanner::scan_array(value& out) noexcept {
  if (depth_left_ == 0) return fail_size();
  --depth_left_;
  ++next_;
  skip_space();
  growing<value> items(arena_);
  while (!at(']')) {
    value* item = items.add();
    if (item == nullptr) return fail_size();
    if (!scan_value(*item)) return false;
    skip_space();
    if (at(']')) break;
    if (!at(',')) return fail("Expecting ',' delimiter", next_);
    const size_t comma = next_++;
    skip_space();
    if (at(']')) return fail("Illegal trailing comma before end of array", comma);
  }
  ++next_;
  ++depth_left_;
  out = value::of_items(items.data(), items.size());
  return true;
}

bool scanner::scan_member(member& out) noexcept {
  if (!at('"')) return fail("Expecting property name enclosed in double quotes", next_);
  if (!scan_string(out.key)) return false;
  skip_space();
  if (!at(':')) return fail("Expecting ':' delimiter", next_);
  ++next_;
  skip_space();
  return scan_value(out.item);
}

bool scanner::scan_object(value& out) noexcept {
  if (depth_left_ == 0) return fail_size();
  --depth_left_;
  ++next_;
  skip_space();
  growing<member> members(arena_);
  while (!at('}')) {
    member* added = members.add();
    if (added == nullptr) return fail_size();
    if (!scan_member(*added)) return false;
    skip_space();
    if (at('}')) break;
    if (!at(',')) return fail("Expecting ',' delimiter", next_);
    const size_t comma = next_++;
    skip_space();
    if (at('}')) return fail("Illegal trailing comma before end of object", comma);
  }
  ++next_;
  ++depth_left_;
  const uint32_t kept = drop_repeated_keys(members.data(), members.size(), arena_);
  if (kept == no_members) return fail_size();
  out = value::of_members(members.data(), kept);
  return true;
}

}  // namespace fasterapi::json
