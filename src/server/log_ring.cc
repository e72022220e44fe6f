#include "server/log_ring.h"

#include <cstring>

namespace fasterapi::server {

bool log_ring::push(int to, std::string_view lines) noexcept {
  const uint64_t size = mask_ + 1;
  uint64_t head = head_.load(std::memory_order_relaxed);
  uint64_t room = size - (head - tail_.load(std::memory_order_acquire));
  const uint64_t space = space_of(lines.size());
  const uint64_t to_end = size - (head & mask_);
  if (space > to_end) {
    if (to_end + space > room) return false;
    at(head) = {static_cast<uint32_t>(to_end - sizeof(run)), filler};
    head += to_end;
    room -= to_end;
  }
  if (space > room) return false;
  run& made = at(head);
  made = {static_cast<uint32_t>(lines.size()), to};
  std::memcpy(&made + 1, lines.data(), lines.size());
  head_.store(head + space, std::memory_order_release);
  return true;
}

log_ring::piece log_ring::front() noexcept {
  for (;;) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return {};
    const run& oldest = at(tail);
    if (oldest.to != filler) return {oldest.to, {reinterpret_cast<const char*>(&oldest + 1), oldest.bytes}};
    pop();
  }
}

void log_ring::pop() noexcept {
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  tail_.store(tail + space_of(at(tail).bytes), std::memory_order_release);
}

}  // namespace fasterapi::server
