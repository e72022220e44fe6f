#include "shared/queue.h"

#include <cstring>

namespace fasterapi::shared {

queue::outcome queue::put(const region& in, std::string_view content, patience& waiting) noexcept {
  const outcome how = try_put(in, content, waiting);
  if (how == outcome::done) item_came_.notify(in);
  return how;
}

bool queue::get(const region& in, core::byte_buffer& out, patience& waiting) noexcept {
  if (!try_get(in, out, waiting)) return false;
  item_left_.notify(in);
  return true;
}

uint64_t queue::size(const region& in, patience& waiting) noexcept {
  const domain_holder held(in, guarded_, waiting);
  return items_;
}

queue::outcome queue::try_put(const region& in, std::string_view content, patience& waiting) noexcept {
  if (content.size() > options_.max_bytes) return outcome::too_large;
  domain_holder held(in, guarded_, waiting);
  if (items_ >= options_.max_items || content.size() > options_.max_bytes - bytes_) return outcome::no_room;
  const uint64_t offset = held.allocate(sizeof(item) + content.size());
  if (offset == 0) return outcome::full;
  auto& made = in.at<item>(offset);
  made = {0, content.size()};
  std::memcpy(&made + 1, content.data(), content.size());
  held.set(last_ == 0 ? first_ : in.at<item>(last_).next, offset);
  held.set(last_, offset);
  held.set(items_, items_ + 1);
  held.set(bytes_, bytes_ + content.size());
  held.commit();
  return outcome::done;
}

bool queue::try_get(const region& in, core::byte_buffer& out, patience& waiting) noexcept {
  domain_holder held(in, guarded_, waiting);
  if (first_ == 0) return false;
  const item& taken = in.at<item>(first_);
  out.append({reinterpret_cast<const char*>(&taken + 1), taken.bytes});
  if (out.failed()) return true;
  const uint64_t offset = first_;
  const uint64_t bytes = taken.bytes;
  held.set(first_, taken.next);
  if (first_ == 0) held.set(last_, 0);
  held.set(items_, items_ - 1);
  held.set(bytes_, bytes_ - bytes);
  held.free(offset, sizeof(item) + bytes);
  held.commit();
  return true;
}

}  // namespace fasterapi::shared
