#include "schema/uuid_text.h"

#include <array>

#include "core/utf8.h"
#include "schema/message_text.h"

namespace fasterapi::schema {

namespace {

constexpr std::string_view urn = "urn:uuid:";
constexpr std::array<size_t, 5> group_starts = {0, 9, 14, 19, 24};
constexpr std::array<size_t, 5> group_sizes = {8, 4, 4, 4, 12};
constexpr size_t simple_size = 32;
constexpr size_t grouped_size = 36;

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The text inside of braces or behind the prefix, and how much stands before it.
struct framed {
  std::string_view inside;
  size_t offset;
};

framed unframe(std::string_view text) noexcept {
  if (text.size() == simple_size || text.size() == grouped_size) return {text, 0};
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') return {text.substr(1, text.size() - 2), 1};
  if (text.starts_with(urn)) return {text.substr(urn.size()), urn.size()};
  return {text, 0};
}

bool is_grouped(std::string_view text) noexcept {
  if (text.size() != grouped_size) return false;
  for (size_t group = 1; group < group_starts.size(); ++group) {
    if (text[group_starts[group] - 1] != '-') return false;
  }
  return true;
}

bool take_digits(std::string_view text, uint8_t* to) noexcept {
  size_t digits = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '-' && text.size() == grouped_size && (at == 8 || at == 13 || at == 18 || at == 23)) continue;
    const int value = hex_value(text[at]);
    if (value < 0) return false;
    if (digits % 2 == 0) to[digits / 2] = static_cast<uint8_t>(value << 4);
    if (digits % 2 == 1) to[digits / 2] = static_cast<uint8_t>(to[digits / 2] | value);
    ++digits;
  }
  return digits == simple_size;
}

std::string_view explain(std::string_view text, const framed& frame, core::arena& arena) noexcept {
  message_text words(arena);
  // The reference counts from inside of the frame where the frame is the only thing that is longer than it should be.
  const size_t counted_from = frame.inside.size() == grouped_size ? 0 : frame.offset;
  std::array<size_t, 4> hyphens{};
  size_t hyphen_count = 0;
  for (size_t at = 0; at < frame.inside.size(); ++at) {
    const char c = frame.inside[at];
    if (c == '-') {
      if (hyphen_count < hyphens.size()) hyphens[hyphen_count] = at;
      ++hyphen_count;
    } else if (hex_value(c) < 0) {
      const std::string_view found = frame.inside.substr(at, core::next_utf8(frame.inside.substr(at)).size);
      return words.add("invalid character: found `").add(found).add("` at ").add(counted_from + at).view();
    }
  }
  if (hyphen_count == 0 && frame.offset == 0) return words.add("invalid length: found ").add(text.size()).view();
  if (hyphen_count != hyphens.size()) {
    return words.add("invalid group count: expected 5, found ").add(hyphen_count + 1).view();
  }
  size_t group = 0;
  while (group < hyphens.size() && hyphens[group] == group_starts[group + 1] - 1) ++group;
  const size_t end = group < hyphens.size() ? hyphens[group] : text.size();  // braces are counted, too
  words.add("invalid group length in group ").add(group).add(": expected ").add(group_sizes[group]);
  return words.add(", found ").add(end - group_starts[group]).view();
}

}  // namespace

std::string_view read_uuid(std::string_view text, core::arena& arena, uint8_t* to) noexcept {
  const framed frame = unframe(text);
  const bool is_simple = frame.offset == 0 && text.size() == simple_size;
  if ((is_simple || is_grouped(frame.inside)) && take_digits(frame.inside, to)) return {};
  return explain(text, frame, arena);
}

}  // namespace fasterapi::schema
