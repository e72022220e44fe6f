#include "shared/robust_lock.h"

#include <cerrno>
#include <cstdlib>

namespace fasterapi::shared {

namespace {

// These calls fail only where the memory of the lock was overwritten; nothing that it guards can be trusted then.
void must_succeed(int status) noexcept {
  if (status != 0) std::abort();
}

robust_lock::outcome outcome_of(int status) noexcept {
  if (status == 0) return robust_lock::outcome::taken;
  if (status == EOWNERDEAD) return robust_lock::outcome::inherited;
  if (status != EBUSY) std::abort();
  return robust_lock::outcome::busy;
}

}  // namespace

robust_lock::robust_lock() noexcept {
  pthread_mutexattr_t attributes;
  must_succeed(pthread_mutexattr_init(&attributes));
  must_succeed(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  must_succeed(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
  must_succeed(pthread_mutex_init(&mutex_, &attributes));
  must_succeed(pthread_mutexattr_destroy(&attributes));
}

robust_lock::outcome robust_lock::lock() noexcept { return outcome_of(pthread_mutex_lock(&mutex_)); }

robust_lock::outcome robust_lock::try_lock() noexcept { return outcome_of(pthread_mutex_trylock(&mutex_)); }

void robust_lock::mark_repaired() noexcept { must_succeed(pthread_mutex_consistent(&mutex_)); }

void robust_lock::unlock() noexcept { must_succeed(pthread_mutex_unlock(&mutex_)); }

}  // namespace fasterapi::shared
