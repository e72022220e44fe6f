#include "server/metrics.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace fasterapi::server {

void shard_counts::settle() noexcept {
  connections_closed.set(connections_accepted.value());
  lost.add(handed_out.value() - completed());
  traffic.settled.set(traffic.queued.value());
}

uint64_t route_counts::requests() const noexcept {
  return std::accumulate(answers.begin(), answers.end(), uint64_t{0},
                         [](uint64_t sum, const tally& each) { return sum + each.value(); });
}

uint64_t route_counts::run_inline() const noexcept {
  // What is subtracted is read first, so that it is never more.
  const uint64_t others = run_pooled.value() + without_handler.value();
  return requests() - others;
}

void shared_text::set(std::string_view text) noexcept {
  size_t size = std::min(text.size(), max_bytes);
  if (size < text.size()) {
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  }
  for (size_t i = 0; i < words_.size(); ++i) {
    uint64_t word = 0;
    const size_t from = i * sizeof word;
    if (from < size) std::memcpy(&word, text.data() + from, std::min(sizeof word, size - from));
    words_[i].store(word, std::memory_order_relaxed);
  }
}

std::string shared_text::get() const {
  std::array<uint64_t, max_bytes / 8> copy;
  for (size_t i = 0; i < words_.size(); ++i) copy[i] = words_[i].load(std::memory_order_relaxed);
  const char* text = reinterpret_cast<const char*>(copy.data());
  return {text, strnlen(text, max_bytes)};
}

}  // namespace fasterapi::server
