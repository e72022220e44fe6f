#include "core/thread.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

namespace fasterapi::core {

namespace {

using thread_name = std::array<char, thread::name_max + 1>;

thread_name cut(std::string_view name) noexcept {
  thread_name kept{};
  std::copy_n(name.begin(), std::min(name.size(), thread::name_max), kept.begin());
  return kept;
}

struct beginning {
  thread_name name;
  task work;
};

void* run(void* from) noexcept {
  const std::unique_ptr<beginning> own(static_cast<beginning*>(from));
  pthread_setname_np(pthread_self(), own->name.data());
  own->work();
  return nullptr;
}

// How many threads this process has; 0 where that cannot be read.
unsigned long count_threads() noexcept {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> status(std::fopen("/proc/self/status", "re"), std::fclose);
  std::array<char, 256> line;
  unsigned long count = 0;
  while (status != nullptr && std::fgets(line.data(), line.size(), status.get()) != nullptr) {
    if (std::sscanf(line.data(), "Threads: %lu", &count) == 1) break;
  }
  return count;
}

// What a user may raise.
std::string limits() {
  std::string text;
  if (const unsigned long count = count_threads(); count > 0) text = "; this process has " + std::to_string(count);
  text += ". Raise the limit that is reached: RLIMIT_NPROC (ulimit -u)";
  rlimit processes{};
  if (getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur != RLIM_INFINITY) {
    text += ", which is " + std::to_string(processes.rlim_cur) + " for all threads of its user";
  }
  return text + ", or pids.max of its control group";
}

}  // namespace

thread::~thread() { assert(!joinable_); }

thread& thread::operator=(thread&& other) noexcept {
  assert(!joinable_);
  thread_ = std::exchange(other.thread_, {});
  joinable_ = std::exchange(other.joinable_, false);
  return *this;
}

result<thread> thread::start(std::string_view name, task work) {
  std::unique_ptr<beginning> own(new (std::nothrow) beginning{cut(name), std::move(work)});
  if (own == nullptr) return shortage(name, ENOMEM);
  thread made;
  if (const int failure = pthread_create(&made.thread_, nullptr, run, own.get()); failure != 0) {
    return shortage(name, failure);
  }
  static_cast<void>(own.release());
  made.joinable_ = true;
  return made;
}

void thread::join() noexcept {
  assert(joinable_);
  pthread_join(thread_, nullptr);
  joinable_ = false;
}

void thread::detach() noexcept {
  assert(joinable_);
  pthread_detach(thread_);
  joinable_ = false;
}

void thread::name_current(std::string_view name) noexcept { pthread_setname_np(pthread_self(), cut(name).data()); }

error thread::shortage(std::string_view name, int code) {
  error told = system_error(code, "the thread " + std::string(name) + " cannot be started");
  if (code == EAGAIN) told.message += limits();
  return told;
}

}  // namespace fasterapi::core
