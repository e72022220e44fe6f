#pragma once

#include <pthread.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "fasterapi/core/result.h"
#include "fasterapi/core/task.h"

namespace fasterapi::core {

// A thread of the system, to be joined or detached before this ends. Unlike a std::thread it may turn out not to be
// had: where a limit is reached, that is an error like any other, and nobody's end.
//
// Owner: one thread at a time, except where stated.
class thread {
 public:
  // What is longer of a name is cut off (pthread_setname_np(3)).
  static constexpr size_t name_max = 15;

  // None.
  thread() noexcept = default;
  ~thread();
  thread(thread&& other) noexcept
      : thread_(std::exchange(other.thread_, {})), joinable_(std::exchange(other.joinable_, false)) {}
  // There must be none to be joined.
  thread& operator=(thread&& other) noexcept;
  thread(const thread&) = delete;
  thread& operator=(const thread&) = delete;

  // Runs `work` on a thread that whoever lists the process's threads sees under `name`, and destroys it there once it
  // has returned. Fails where the system has no thread to give (EAGAIN) or there is no memory (ENOMEM); the message
  // says what bounds their number.
  static result<thread> start(std::string_view name, task work);

  bool joinable() const noexcept { return joinable_; }
  // Whether it is the thread that asks.
  bool is_current() const noexcept { return joinable_ && pthread_equal(thread_, pthread_self()) != 0; }
  // Waits for its end.
  void join() noexcept;
  // It ends by itself, whenever that is.
  void detach() noexcept;

  // Gives the calling thread another name.
  static void name_current(std::string_view name) noexcept;
  // Why there is no thread with that name, for people: `code` is what pthread_create(3) returned.
  static error shortage(std::string_view name, int code);

 private:
  pthread_t thread_{};
  bool joinable_ = false;
};

}  // namespace fasterapi::core
