#include "fasterapi/core/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

#include "core/clock.h"

namespace fasterapi::core {

namespace {
constexpr int64_t ns_per_second = 1'000'000'000;
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

int in(futex_scope scope, int operation) noexcept {
  return scope == futex_scope::process ? operation | FUTEX_PRIVATE_FLAG : operation;
}
}  // namespace

bool futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t deadline_ns, futex_scope scope) noexcept {
  if (deadline_ns < 0) deadline_ns = 0;
  const timespec deadline{.tv_sec = deadline_ns / ns_per_second, .tv_nsec = deadline_ns % ns_per_second};
  // The bitset form takes an absolute time of the monotonic clock.
  const long outcome = syscall(SYS_futex, &word, in(scope, FUTEX_WAIT_BITSET), expected,
                               deadline_ns == no_deadline ? nullptr : &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
  return outcome == 0 || errno != ETIMEDOUT;
}

void futex_wake(const std::atomic<uint32_t>& word, uint32_t count, futex_scope scope) noexcept {
  const uint32_t threads = count < INT_MAX ? count : INT_MAX;
  syscall(SYS_futex, &word, in(scope, FUTEX_WAKE), threads, nullptr, nullptr, 0);
}

void futex_wake_all(const std::atomic<uint32_t>& word, futex_scope scope) noexcept { futex_wake(word, INT_MAX, scope); }

int64_t deadline_after(int64_t duration_ns) noexcept {
  const int64_t now = monotonic_ns();
  if (duration_ns <= 0) return now;
  return duration_ns > no_deadline - now ? no_deadline : now + duration_ns;
}

}  // namespace fasterapi::core
