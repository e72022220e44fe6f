#include "core/utf8.h"

#include <cstdint>
#include <cstring>

namespace fasterapi::core {
namespace {

// What may follow a lead byte (Unicode table 3-7): how many bytes, and the range of the first of them.
struct continuation {
  uint8_t count;
  uint8_t low;
  uint8_t high;
};

continuation continuation_of(uint8_t lead) noexcept {
  if (lead < 0xc2) return {0, 0, 0};
  if (lead < 0xe0) return {1, 0x80, 0xbf};
  if (lead == 0xe0) return {2, 0xa0, 0xbf};
  if (lead == 0xed) return {2, 0x80, 0x9f};
  if (lead < 0xf0) return {2, 0x80, 0xbf};
  if (lead == 0xf0) return {3, 0x90, 0xbf};
  if (lead < 0xf4) return {3, 0x80, 0xbf};
  if (lead == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

utf8_step next_utf8(std::string_view text) noexcept {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {1, true};
  const continuation rest = continuation_of(lead);
  if (rest.count == 0) return {1, false};
  for (size_t i = 1; i <= rest.count; ++i) {
    if (i == text.size()) return {i, false};
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint8_t low = i == 1 ? rest.low : 0x80;
    const uint8_t high = i == 1 ? rest.high : 0xbf;
    if (byte < low || byte > high) return {i, false};
  }
  return {size_t{1} + rest.count, true};
}

bool is_ascii(std::string_view text) noexcept {
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if ((word & 0x8080808080808080U) != 0) return false;
  }
  for (; left != 0; ++at, --left) {
    if (static_cast<uint8_t>(*at) >= 0x80) return false;
  }
  return true;
}

bool is_utf8(std::string_view text) noexcept {
  if (is_ascii(text)) return true;
  while (!text.empty()) {
    const utf8_step step = next_utf8(text);
    if (!step.is_valid) return false;
    text.remove_prefix(step.size);
  }
  return true;
}

size_t copy_as_utf8(std::string_view text, char* to) noexcept {
  char* at = to;
  while (!text.empty()) {
    const utf8_step step = next_utf8(text);
    const std::string_view written = step.is_valid ? text.substr(0, step.size) : replacement_character;
    std::memcpy(at, written.data(), written.size());
    at += written.size();
    text.remove_prefix(step.size);
  }
  return static_cast<size_t>(at - to);
}

}  // namespace fasterapi::core
