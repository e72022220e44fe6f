#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

// How often each latency occurred, to within one percent, in fixed memory. Microseconds.
class latencies {
 public:
  void add(uint64_t us) {
    ++counts_[slot_of(us)];
    ++total_;
    greatest_ = std::max(greatest_, us);
  }

  uint64_t count() const { return total_; }
  uint64_t greatest_us() const { return greatest_; }

  // The least latency that `share` of them do not exceed; 0 where there are none.
  uint64_t quantile_us(double share) const {
    if (total_ == 0) return 0;
    const auto wanted = std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(total_) + 0.999999));
    uint64_t seen = 0;
    for (size_t slot = 0; slot < slots; ++slot) {
      seen += counts_[slot];
      if (seen >= wanted) return std::min(greatest_, last_of(slot));
    }
    return greatest_;
  }

 private:
  // Values below 256 have a slot each; from there on every power of two has 128.
  static constexpr unsigned fine_bits = 7;
  static constexpr size_t fine = size_t{1} << fine_bits;
  static constexpr unsigned bits_max = 40;
  static constexpr size_t slots = (bits_max - fine_bits + 1) * fine;

  static size_t slot_of(uint64_t us) {
    const auto width = static_cast<unsigned>(std::bit_width(us));
    if (width <= fine_bits + 1) return us;
    const unsigned shift = std::min(width, bits_max) - fine_bits - 1;
    return std::min(slots - 1, shift * fine + static_cast<size_t>(us >> shift));
  }
  static uint64_t last_of(size_t slot) {
    if (slot < 2 * fine) return slot;
    const size_t shift = slot / fine - 1;
    return ((slot - shift * fine + 1) << shift) - 1;
  }

  std::vector<uint64_t> counts_ = std::vector<uint64_t>(slots);
  uint64_t total_ = 0;
  uint64_t greatest_ = 0;
};
