#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// Counts what each thread of a test program allocates, by standing in for malloc. To be included by one source of a
// program, which is not built with sanitizers: they stand in for it themselves.

namespace fasterapi::core {
inline constinit thread_local uint64_t allocations = 0;
}

extern "C" {
// glibc's own, under their other names.
void* __libc_malloc(size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_calloc(size_t count, size_t size);

void* malloc(size_t size) {
  ++fasterapi::core::allocations;
  return __libc_malloc(size);
}
void* realloc(void* memory, size_t size) {
  ++fasterapi::core::allocations;
  return __libc_realloc(memory, size);
}
void* calloc(size_t count, size_t size) {
  ++fasterapi::core::allocations;
  return __libc_calloc(count, size);
}
}
