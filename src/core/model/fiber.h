#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

namespace fasterapi::core::model {

// A stack of its own, on which one function runs until it hands over to another fiber. All fibers of a scenario run in
// one thread of the system, one at a time.
class fiber {
 public:
  // The stack that the caller runs on.
  fiber() = default;
  // Runs `entry(argument)` at the first switch; it must not return.
  fiber(void (*entry)(void*), void* argument);
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  // Leaves the fiber that runs, `from`, for `to`; comes back when somebody switches to `from`.
  static void switch_over(fiber& from, fiber& to);

 private:
  static void begin(unsigned high, unsigned low);
  static void arrived(fiber& here);

  static constexpr size_t stack_bytes = size_t{256} << 10;

  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  std::unique_ptr<std::byte[]> stack_;
  ucontext_t context_;
  // What AddressSanitizer knows this stack as.
  [[maybe_unused]] void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace fasterapi::core::model
