#pragma once

#include <atomic>
#include <cstdint>

#include "fasterapi/core/futex.h"

namespace fasterapi::core {

// What a lock-free structure touches memory with: its template parameter `Atomics`. This one is the real thing; the
// model checker in src/core/model has another with the same members, and so runs the very code that is shipped.
struct std_atomics {
  template <typename T>
  using atomic = std::atomic<T>;

  // For words that begin their life as zeroed memory, with no constructor run.
  template <typename T>
  using atomic_ref = std::atomic_ref<T>;

  // A field that is not atomic because one thread at a time uses it, which the model checker proves.
  template <typename T>
  using plain = T;

  // As futex_wait() and futex_wake().
  static bool wait(const atomic<uint32_t>& word, uint32_t expected, int64_t deadline_ns = no_deadline) noexcept {
    return futex_wait(word, expected, deadline_ns);
  }
  static void wake(const atomic<uint32_t>& word, uint32_t count) noexcept { futex_wake(word, count); }

  // Tells the processor that this is a loop which waits for another thread's write.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }
};

}  // namespace fasterapi::core
