#include "core/model/fiber.h"

#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define FASTERAPI_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTERAPI_ADDRESS_SANITIZER
#endif
#endif
#if defined(FASTERAPI_ADDRESS_SANITIZER)
#include <sanitizer/common_interface_defs.h>
#endif

namespace fasterapi::core::model {

namespace {
// The fiber that was left last: with one thread of the system there is one at a time.
thread_local fiber* left_last = nullptr;
}  // namespace

fiber::fiber(void (*entry)(void*), void* argument)
    : entry_(entry), argument_(argument), stack_(new std::byte[stack_bytes]) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_.get();
  context_.uc_stack.ss_size = stack_bytes;
  context_.uc_link = nullptr;
  bottom_ = stack_.get();
  bytes_ = stack_bytes;
  // makecontext() passes ints.
  const auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&context_, reinterpret_cast<void (*)()>(&fiber::begin), 2, static_cast<unsigned>(self >> 32),
              static_cast<unsigned>(self));
}

void fiber::switch_over(fiber& from, fiber& to) {
  left_last = &from;
#if defined(FASTERAPI_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.bottom_, to.bytes_);
#endif
  swapcontext(&from.context_, &to.context_);
  arrived(from);
}

void fiber::arrived([[maybe_unused]] fiber& here) {
#if defined(FASTERAPI_ADDRESS_SANITIZER)
  __sanitizer_finish_switch_fiber(here.fake_stack_, &left_last->bottom_, &left_last->bytes_);
#endif
}

void fiber::begin(unsigned high, unsigned low) {
  auto& self = *reinterpret_cast<fiber*>(uintptr_t{high} << 32 | low);
  arrived(self);
  self.entry_(self.argument_);
  std::abort();
}

}  // namespace fasterapi::core::model
