#include "core/latency_histogram.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace fasterapi::core {
namespace {

TEST(LatencyHistogram, PutsEachDurationInABucketThatHoldsIt) {
  for (uint64_t power = 0; power < 63; ++power) {
    for (const uint64_t value : {uint64_t{1} << power, (uint64_t{1} << power) + (uint64_t{1} << power) / 3}) {
      const size_t bucket = latency_histogram::bucket_of(value);
      ASSERT_LT(bucket, latency_histogram::summary::buckets);
      EXPECT_GE(latency_histogram::upper_end(bucket), static_cast<int64_t>(value));
      if (bucket > 0) {
        EXPECT_LT(latency_histogram::upper_end(bucket - 1), static_cast<int64_t>(value));
      }
    }
  }
}

TEST(LatencyHistogram, TellsCountAverageAndPercentiles) {
  latency_histogram durations;
  for (int64_t i = 1; i <= 1000; ++i) durations.record(i * 1000);
  latency_histogram::summary all;
  all.add(durations);
  EXPECT_EQ(all.count(), 1000U);
  EXPECT_EQ(all.average_ns(), 500'500);
  EXPECT_GE(all.percentile_ns(0.5), 500'000);
  EXPECT_LE(all.percentile_ns(0.5), 500'000 * 9 / 8);
  EXPECT_GE(all.percentile_ns(0.99), 990'000);
  EXPECT_LE(all.percentile_ns(0.99), 990'000 * 9 / 8);
}

TEST(LatencyHistogram, RecordsTheSameAlone) {
  latency_histogram by_one, by_many;
  for (int64_t i = 1; i <= 1000; ++i) {
    by_one.record_alone(i * i);
    by_many.record(i * i);
  }
  latency_histogram::summary one, many;
  one.add(by_one);
  many.add(by_many);
  EXPECT_EQ(one.counts, many.counts);
  EXPECT_EQ(one.total_ns, many.total_ns);
}

TEST(LatencyHistogram, AddsUpSeveral) {
  latency_histogram one, other;
  one.record(10);
  other.record(30);
  other.record(-5);  // a clock that went back counts as nothing
  latency_histogram::summary all;
  EXPECT_EQ(all.percentile_ns(0.5), 0);
  EXPECT_EQ(all.average_ns(), 0);
  all.add(one);
  all.add(other);
  EXPECT_EQ(all.count(), 3U);
  EXPECT_EQ(all.average_ns(), 13);
}

}  // namespace
}  // namespace fasterapi::core
