#pragma once

#include <atomic>
#include <cstdint>

namespace fasterapi::core {

// A deadline that never comes.
inline constexpr int64_t no_deadline = INT64_MAX;

// `duration_ns` from now, as a deadline of CLOCK_MONOTONIC; no_deadline where that is later than a number can tell.
int64_t deadline_after(int64_t duration_ns) noexcept;

// Who sleeps on a word: threads of this process, or of every process that maps the memory (MAP_SHARED).
enum class futex_scope : uint8_t { process, shared };

// Sleeps while `word` is `expected`: until a wake, until `deadline_ns` (CLOCK_MONOTONIC, as core::monotonic_ns()), or
// for no reason at all, so callers look again. False when the deadline has passed, and only then. The look at `word`
// and the falling asleep are one step for futex_wake(): a wake that follows a change of `word` is not lost. Any thread
// of the scope. Orders no other memory: load `word` with acquire afterwards.
bool futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t deadline_ns = no_deadline,
                futex_scope scope = futex_scope::process) noexcept;

// Wakes at most `count` threads that sleep on `word`. The caller has changed `word` before. The word may be gone by now
// (a waiter saw the change and freed it): the address is only compared.
void futex_wake(const std::atomic<uint32_t>& word, uint32_t count, futex_scope scope = futex_scope::process) noexcept;
void futex_wake_all(const std::atomic<uint32_t>& word, futex_scope scope = futex_scope::process) noexcept;

}  // namespace fasterapi::core
