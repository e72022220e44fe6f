#include "shared/channel.h"

#include <cstring>

#include "core/clock.h"

namespace fasterapi::shared {

namespace {

constexpr int64_t look_for_dead_every_ns = 100'000'000;

// A process's generation and its number of subscribers in one word.
constexpr int count_bits = 24;
constexpr uint64_t count_mask = (uint64_t{1} << count_bits) - 1;
constexpr uint64_t generation_of(process_id process) noexcept { return process / max_processes; }

}  // namespace

size_t channel::bytes(const channel_options& options) noexcept {
  return sizeof(channel) + options.max_messages * sizeof(uint64_t);
}

channel::outcome channel::publish(const region& in, std::string_view content, uint64_t& subscribers,
                                  patience& waiting) noexcept {
  const outcome how = try_publish(in, content, subscribers, waiting);
  if (how == outcome::done) message_came_.notify(in);
  return how;
}

channel::outcome channel::try_publish(const region& in, std::string_view content, uint64_t& subscribers,
                                      patience& waiting) noexcept {
  if (content.size() > options_.max_bytes) return outcome::too_large;
  domain_holder held(in, guarded_, waiting);
  while (next_ - oldest_ >= options_.max_messages || content.size() > options_.max_bytes - bytes_) {
    drop_oldest(in, held);
  }
  uint64_t offset = held.allocate(sizeof(message) + content.size());
  while (offset == 0) {
    if (next_ == oldest_) return outcome::full;
    held.undo();
    drop_oldest(in, held);
    offset = held.allocate(sizeof(message) + content.size());
  }
  auto& made = in.at<message>(offset);
  made.bytes = content.size();
  std::memcpy(&made + 1, content.data(), content.size());
  held.set(place_of(next_), offset);
  held.set(next_, next_ + 1);
  held.set(bytes_, bytes_ + content.size());
  held.commit();
  // Under the lock, where nobody subscribes: exactly those who will get it.
  subscribers = this->subscribers(in);
  return outcome::done;
}

void channel::drop_oldest(const region& in, domain_holder& held) noexcept {
  const uint64_t offset = place_of(oldest_);
  const uint64_t bytes = in.at<message>(offset).bytes;
  held.set(oldest_, oldest_ + 1);
  held.set(bytes_, bytes_ - bytes);
  held.free(offset, sizeof(message) + bytes);
  held.commit();
}

uint64_t& channel::place_of(uint64_t number) noexcept {
  return reinterpret_cast<uint64_t*>(this + 1)[number % options_.max_messages];
}

channel::position channel::subscribe(const region& in, patience& waiting) noexcept {
  const domain_holder held(in, guarded_, waiting);
  const process_id self = in.self();
  std::atomic<uint64_t>& word = subscribers_[process_table::slot_of(self)];
  const uint64_t generation = generation_of(self) << count_bits;
  uint64_t before = word.load();
  uint64_t after = 0;
  do {
    after = (before & ~count_mask) == generation ? before + 1 : generation + 1;
  } while (!word.compare_exchange_weak(before, after));
  return {self, next_, 0};
}

void channel::unsubscribe(const region& in, const position& from) noexcept {
  // A child made by fork() has a copy of what its parent subscribed to.
  if (in.self() == from.process) subscribers_[process_table::slot_of(from.process)].fetch_sub(1);
}

bool channel::read(const region& in, position& from, core::byte_buffer& out, patience& waiting) noexcept {
  const domain_holder held(in, guarded_, waiting);
  if (from.next < oldest_) {
    std::atomic_ref(from.missed).fetch_add(oldest_ - from.next, std::memory_order_relaxed);
    from.next = oldest_;
  }
  if (from.next == next_) return false;
  const auto& next = in.at<message>(place_of(from.next));
  out.append({reinterpret_cast<const char*>(&next + 1), next.bytes});
  if (!out.failed()) ++from.next;
  return true;
}

uint64_t channel::subscribers(const region& in) noexcept {
  forget_the_dead(in);
  uint64_t total = 0;
  for (const std::atomic<uint64_t>& word : subscribers_) total += word.load(std::memory_order_relaxed) & count_mask;
  return total;
}

void channel::forget_the_dead(const region& in) noexcept {
  const int64_t now = core::monotonic_ns();
  int64_t looked = looked_for_dead_ns_.load(std::memory_order_relaxed);
  if (now - looked < look_for_dead_every_ns || !looked_for_dead_ns_.compare_exchange_strong(looked, now)) return;
  for (size_t slot = 0; slot < max_processes; ++slot) {
    uint64_t word = subscribers_[slot].load();
    if ((word & count_mask) == 0) continue;
    if (!in.is_alive((word >> count_bits) * max_processes + slot)) subscribers_[slot].compare_exchange_strong(word, 0);
  }
}

}  // namespace fasterapi::shared
