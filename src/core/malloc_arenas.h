#pragma once

namespace fasterapi::core {

// Lets malloc keep at most that many arenas ("heaps" that threads allocate from side by side) for the process, where
// its owner asked for no number (MALLOC_ARENA_MAX, or GLIBC_TUNABLES with glibc.malloc.arena_max). glibc's own bound is
// eight for each CPU: with many threads of which few run at a time, each arena keeps what its threads needed at their
// most, and memory grows for hours. More arenas than threads that run at a time serve nobody.
//
// Call it before there are threads; arenas that exist stay. Does nothing where malloc is not glibc's. mallopt(3).
void limit_malloc_arenas(int most) noexcept;

}  // namespace fasterapi::core
