#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/address.h"

namespace fasterapi::server {

// How many connections each client address has open, where that is bounded.
//
// An IPv6 client is known by its /64, since that is what one subscriber is given; an IPv4 address that is mapped into
// IPv6 is the IPv4 address. The table's hash is keyed at random, so that nobody can choose addresses that meet in it.
//
// Owner: one thread. Holds memory in proportion to the addresses that are connected, and none without a bound.
class address_counts {
 public:
  enum class outcome : uint8_t { counted, full, no_memory };

  // `max` for one address; 0: nothing is counted. `seed` is a random number.
  address_counts(uint32_t max, uint64_t seed) noexcept : max_(max), seed_(seed | 1) {}

  // One connection more, unless its address has as many as it may.
  outcome enter(const net::address& client) noexcept { return max_ == 0 ? outcome::counted : enter_counted(client); }
  // One fewer, of an address that was counted.
  void leave(const net::address& client) noexcept {
    if (max_ != 0) leave_counted(client);
  }
  // Addresses with a connection.
  size_t size() const noexcept { return used_; }

 private:
  struct key {
    uint64_t high = 0;
    uint64_t low = 0;
    bool operator==(const key&) const = default;
  };
  struct slot {
    key client;
    uint32_t count = 0;  // 0: free
  };

  static key key_of(const net::address& client) noexcept;
  size_t home_of(const key& client) const noexcept;
  slot& find(const key& client) noexcept;
  outcome enter_counted(const net::address& client) noexcept;
  void leave_counted(const net::address& client) noexcept;
  bool grow() noexcept;
  void close_gap(size_t gap) noexcept;

  const uint32_t max_;
  const uint64_t seed_;
  std::unique_ptr<slot[]> slots_;  // open addressing with linear probing, at most half full
  size_t capacity_ = 0;            // a power of two, or 0
  size_t used_ = 0;
};

}  // namespace fasterapi::server
