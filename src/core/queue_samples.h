#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace fasterapi::core {

// How a test of a queue over T makes its values and reads them back.
template <typename T>
struct sample {
  static T make(int number) { return T(number); }
  static int number(const T& value) { return static_cast<int>(value); }
};

template <>
struct sample<std::string> {
  static std::string make(int number) { return "a value longer than any inline buffer: " + std::to_string(number); }
  static int number(const std::string& value) { return std::stoi(value.substr(value.find(':') + 1)); }
};

template <>
struct sample<std::unique_ptr<int>> {
  static std::unique_ptr<int> make(int number) { return std::make_unique<int>(number); }
  static int number(const std::unique_ptr<int>& value) { return value ? *value : -1; }
};

// One cache line, and no smaller alignment will do.
struct alignas(64) wide {
  int number = 0;
  bool aligned() const noexcept { return reinterpret_cast<uintptr_t>(this) % 64 == 0; }
};

template <>
struct sample<wide> {
  static wide make(int number) { return wide{number}; }
  static int number(const wide& value) { return value.aligned() ? value.number : -1; }
};

// Counts the values alive; move-only, without default constructor.
class counted {
 public:
  explicit counted(int number) noexcept : number_(number) { ++alive; }
  counted(counted&& from) noexcept : number_(std::exchange(from.number_, moved_from)) { ++alive; }
  counted& operator=(counted&& from) noexcept {
    number_ = std::exchange(from.number_, moved_from);
    return *this;
  }
  ~counted() { --alive; }

  int number() const noexcept { return number_; }

  static constexpr int moved_from = -1;
  inline static int alive = 0;

 private:
  int number_;
};

template <>
struct sample<counted> {
  static counted make(int number) { return counted(number); }
  static int number(const counted& value) { return value.number(); }
};

// Pushes the value, or leaves it as it is: what try_push() says of a value that it declines.
template <typename Queue, typename T>
bool offer(Queue& queue, T& value) {
  return queue.try_push(std::move(value));
}

}  // namespace fasterapi::core
