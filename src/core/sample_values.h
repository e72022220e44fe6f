#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "fasterapi/core/result.h"

namespace fasterapi::core {

// More than fits into a few registers or cache lines.
struct large_value {
  std::array<uint64_t, 64> words;
  friend bool operator==(const large_value&, const large_value&) = default;
};

// Values of the kinds that futures and coroutines carry, for tests over all of them: made from a number, and known
// again.
template <typename T>
struct sample;

template <>
struct sample<int> {
  static int make(int seed) { return seed; }
  static bool is(const int& value, int seed) { return value == seed; }
};
template <>
struct sample<std::string> {
  static std::string make(int seed) {
    return "a string that is too long to lie in its object: " + std::to_string(seed);
  }
  static bool is(const std::string& value, int seed) { return value == make(seed); }
};
template <>
struct sample<std::unique_ptr<int>> {
  static std::unique_ptr<int> make(int seed) { return std::make_unique<int>(seed); }
  static bool is(const std::unique_ptr<int>& value, int seed) { return value != nullptr && *value == seed; }
};
template <>
struct sample<nothing> {
  static nothing make(int) { return {}; }
  static bool is(const nothing&, int) { return true; }
};
template <>
struct sample<large_value> {
  static large_value make(int seed) {
    large_value made;
    made.words.fill(static_cast<uint64_t>(seed));
    return made;
  }
  static bool is(const large_value& value, int seed) { return value == make(seed); }
};

using sample_types = testing::Types<int, std::string, std::unique_ptr<int>, nothing, large_value>;

// How long a test waits for what is going to happen anyway.
inline constexpr int64_t patience_ns = 20'000'000'000;

}  // namespace fasterapi::core
