#pragma once

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

// Makes the system run out of threads when a test program says so, by standing in for pthread_create. To be included by
// one source of a program that is not built with sanitizers: they stand in for it themselves.

namespace fasterapi::core {

// How many more threads may be started.
inline std::atomic<int> threads_to_be_had = 1'000'000;
// How often there was none.
inline std::atomic<int> threads_refused = 0;

// While it is there, `count` more threads may be started.
class thread_shortage {
 public:
  explicit thread_shortage(int count = 0) : before_(threads_to_be_had.exchange(count)) {}
  ~thread_shortage() { threads_to_be_had = before_; }
  thread_shortage(const thread_shortage&) = delete;
  thread_shortage& operator=(const thread_shortage&) = delete;

 private:
  const int before_;
};

}  // namespace fasterapi::core

extern "C" int pthread_create(pthread_t* made, const pthread_attr_t* how, void* (*run)(void*), void* argument) {
  using create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto next = reinterpret_cast<create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (fasterapi::core::threads_to_be_had.fetch_sub(1) > 0) return next(made, how, run, argument);
  fasterapi::core::threads_to_be_had.fetch_add(1);
  ++fasterapi::core::threads_refused;
  return EAGAIN;
}
