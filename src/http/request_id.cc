#include "http/request_id.h"

#include <algorithm>
#include <cstring>

namespace fasterapi::http {

namespace {

bool is_plain(char c) noexcept {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool digit = c >= '0' && c <= '9';
  return letter || digit || std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
}

}  // namespace

bool request_id::is_valid(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_bytes && std::all_of(text.begin(), text.end(), is_plain);
}

request_id request_id::of(uint64_t number) noexcept {
  request_id made;
  made.size_ = 16;
  for (size_t i = made.size_; i-- > 0; number >>= 4) made.text_[i] = "0123456789abcdef"[number & 15];
  return made;
}

request_id request_id::of(const request_head& head, uint64_t number) noexcept {
  const std::string_view given = only_field(head, "x-request-id");
  if (!is_valid(given)) return of(number);
  request_id taken;
  taken.size_ = given.size();
  std::memcpy(taken.text_.data(), given.data(), given.size());
  return taken;
}

}  // namespace fasterapi::http
