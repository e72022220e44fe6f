#include "server/address_counts.h"

#include <arpa/inet.h>

#include <cstring>
#include <new>
#include <utility>

namespace fasterapi::server {

namespace {

constexpr size_t smallest_capacity = 64;

uint64_t mixed(uint64_t word) noexcept {
  // The finaliser of MurmurHash3: every bit of the word moves every bit of the result.
  word = (word ^ (word >> 33)) * 0xFF51AFD7ED558CCDU;
  word = (word ^ (word >> 33)) * 0xC4CEB9FE1A85EC53U;
  return word ^ (word >> 33);
}

}  // namespace

address_counts::key address_counts::key_of(const net::address& client) noexcept {
  if (client.base.sa_family != AF_INET6) return {1, client.v4.sin_addr.s_addr};
  const in6_addr& bytes = client.v6.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) {
    uint32_t inner;
    std::memcpy(&inner, bytes.s6_addr + 12, sizeof inner);
    return {1, inner};
  }
  key made{2, 0};
  std::memcpy(&made.low, bytes.s6_addr, sizeof made.low);
  return made;
}

size_t address_counts::home_of(const key& client) const noexcept {
  return static_cast<size_t>(mixed((client.low + client.high) ^ seed_) * seed_ >> 7) & (capacity_ - 1);
}

// The slot of that client, or the free one where it would be put. There is always a free one.
address_counts::slot& address_counts::find(const key& client) noexcept {
  size_t at = home_of(client);
  while (slots_[at].count != 0 && slots_[at].client != client) at = (at + 1) & (capacity_ - 1);
  return slots_[at];
}

bool address_counts::grow() noexcept {
  const size_t wanted = capacity_ == 0 ? smallest_capacity : capacity_ * 2;
  std::unique_ptr<slot[]> larger(new (std::nothrow) slot[wanted]);
  if (!larger) return false;
  std::swap(slots_, larger);
  const size_t before = std::exchange(capacity_, wanted);
  for (size_t i = 0; i < before; ++i) {
    if (larger[i].count != 0) find(larger[i].client) = larger[i];
  }
  return true;
}

address_counts::outcome address_counts::enter_counted(const net::address& client) noexcept {
  if ((used_ + 1) * 2 > capacity_ && !grow()) return outcome::no_memory;
  const key wanted = key_of(client);
  slot& found = find(wanted);
  if (found.count >= max_) return outcome::full;
  if (found.count++ == 0) {
    found.client = wanted;
    ++used_;
  }
  return outcome::counted;
}

void address_counts::leave_counted(const net::address& client) noexcept {
  slot& found = find(key_of(client));
  if (--found.count > 0) return;
  --used_;
  close_gap(static_cast<size_t>(&found - slots_.get()));
}

// Moves what lies behind a slot that became free, so that searches need not go past it.
void address_counts::close_gap(size_t gap) noexcept {
  const size_t mask = capacity_ - 1;
  for (size_t at = (gap + 1) & mask; slots_[at].count != 0; at = (at + 1) & mask) {
    // An entry may move back to the gap only if its home is not between the two.
    const size_t home = home_of(slots_[at].client);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    slots_[gap] = std::exchange(slots_[at], slot{});
    gap = at;
  }
}

}  // namespace fasterapi::server
