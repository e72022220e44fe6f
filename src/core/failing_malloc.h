#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// Makes malloc fail when a test program says so, and counts the blocks that are in use, by standing in for malloc. To
// be included by one source of a program that is not built with sanitizers: they stand in for it themselves.

namespace fasterapi::core {

// What is to happen to the allocations of one thread.
struct malloc_plan {
  bool armed = false;       // allocations are counted, and one of them fails
  uint64_t until_fail = 0;  // the number of the one that fails, from 1
  uint64_t made = 0;        // while it was armed
};
inline thread_local malloc_plan allocations_of_test;

// Of all threads.
inline std::atomic<int64_t> blocks_in_use = 0;

// Whether the allocation that is asked for now is to fail.
inline bool takes_from_plan() noexcept {
  malloc_plan& plan = allocations_of_test;
  if (!plan.armed || ++plan.made != plan.until_fail) return false;
  errno = ENOMEM;
  return true;
}

inline void* counted(void* made) noexcept {
  if (made != nullptr) ++blocks_in_use;
  return made;
}

}  // namespace fasterapi::core

extern "C" {
// glibc's own, under their other names.
void* __libc_malloc(size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) {
  return fasterapi::core::takes_from_plan() ? nullptr : fasterapi::core::counted(__libc_malloc(size));
}
void* calloc(size_t count, size_t size) {
  return fasterapi::core::takes_from_plan() ? nullptr : fasterapi::core::counted(__libc_calloc(count, size));
}
void* realloc(void* memory, size_t size) {
  if (fasterapi::core::takes_from_plan()) return nullptr;
  void* made = __libc_realloc(memory, size);
  return memory == nullptr ? fasterapi::core::counted(made) : made;
}
void* aligned_alloc(size_t alignment, size_t size) {
  if (fasterapi::core::takes_from_plan()) return nullptr;
  return fasterapi::core::counted(__libc_memalign(alignment, size));
}
int posix_memalign(void** into, size_t alignment, size_t size) {
  if (fasterapi::core::takes_from_plan()) return ENOMEM;
  *into = fasterapi::core::counted(__libc_memalign(alignment, size));
  return *into == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  if (memory != nullptr) --fasterapi::core::blocks_in_use;
  __libc_free(memory);
}
}
