#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace fasterapi::core {

// How long something took, many times: counts in buckets of at most 12.5 % width, in fixed memory (4 KB).
// One thread or several record; any thread reads, and sees each record at some time. Zeroed memory is an empty one, so
// it may lie in memory that processes share.
class latency_histogram {
 public:
  void record(int64_t duration_ns) noexcept {
    const uint64_t value = duration_ns < 0 ? 0 : static_cast<uint64_t>(duration_ns);
    counts_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    total_ns_.fetch_add(value, std::memory_order_relaxed);
  }

  // The same where one thread alone records, or several in turn: without the cost of an atomic addition.
  void record_alone(int64_t duration_ns) noexcept {
    const uint64_t value = duration_ns < 0 ? 0 : static_cast<uint64_t>(duration_ns);
    add_alone(counts_[bucket_of(value)], 1);
    add_alone(total_ns_, value);
  }

  // What was recorded in one or more histograms, as plain numbers.
  struct summary {
    static constexpr size_t buckets = 512;

    void add(const latency_histogram& other) noexcept {
      for (size_t i = 0; i < buckets; ++i) counts[i] += other.counts_[i].load(std::memory_order_relaxed);
      total_ns += other.total_ns_.load(std::memory_order_relaxed);
    }
    uint64_t count() const noexcept {
      uint64_t sum = 0;
      for (const uint64_t one : counts) sum += one;
      return sum;
    }
    // In nanoseconds; 0 when nothing was recorded.
    int64_t average_ns() const noexcept {
      const uint64_t all = count();
      return all == 0 ? 0 : static_cast<int64_t>(total_ns / all);
    }
    // What at least `share` (0 to 1) of the durations do not exceed: the upper end of their bucket.
    int64_t percentile_ns(double share) const noexcept {
      const uint64_t all = count();
      uint64_t seen = 0;
      for (size_t i = 0; i < buckets; ++i) {
        seen += counts[i];
        if (seen != 0 && static_cast<double>(seen) >= share * static_cast<double>(all)) return upper_end(i);
      }
      return 0;
    }

    std::array<uint64_t, buckets> counts{};
    uint64_t total_ns = 0;
  };

  // Buckets 0-7 hold one value each; then every power of two is divided in eight.
  static constexpr size_t bucket_of(uint64_t value) noexcept {
    if (value < 8) return static_cast<size_t>(value);
    const int power = static_cast<int>(std::bit_width(value)) - 1;
    return static_cast<size_t>(power - 2) * 8 + static_cast<size_t>((value >> (power - 3)) & 7);
  }
  static constexpr int64_t upper_end(size_t bucket) noexcept {
    if (bucket < 8) return static_cast<int64_t>(bucket);
    const int power = static_cast<int>(bucket / 8) + 2;
    const uint64_t width = uint64_t{1} << (power - 3);
    return static_cast<int64_t>((uint64_t{1} << power) + (bucket % 8 + 1) * width - 1);
  }

 private:
  static void add_alone(std::atomic<uint64_t>& sum, uint64_t more) noexcept {
    sum.store(sum.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  std::array<std::atomic<uint64_t>, summary::buckets> counts_{};
  std::atomic<uint64_t> total_ns_{0};
};

}  // namespace fasterapi::core
