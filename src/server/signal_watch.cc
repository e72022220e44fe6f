#include "server/signal_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace fasterapi::server {

namespace {

// Where the handler writes, which has nothing but globals to go by.
std::atomic<int> handler_descriptor = -1;

constexpr uint64_t interrupt_unit = 1;
constexpr uint64_t terminate_unit = uint64_t{1} << 32;

void note_signal(int number) {
  const uint64_t word = number == SIGINT ? interrupt_unit : terminate_unit;
  [[maybe_unused]] const ssize_t written =
      ::write(handler_descriptor.load(std::memory_order_relaxed), &word, sizeof word);
}

}  // namespace

signal_watch::signal_watch() : events_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  handler_descriptor.store(events_.get());
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, &previous_term_);
  sigaction(SIGINT, &action, &previous_int_);
}

signal_watch::~signal_watch() {
  sigaction(SIGTERM, &previous_term_, nullptr);
  sigaction(SIGINT, &previous_int_, nullptr);
  handler_descriptor.store(-1);
}

int signal_watch::take() noexcept {
  uint64_t word = 0;
  if (::read(events_.get(), &word, sizeof word) != sizeof word) return 0;
  return (word & (terminate_unit - 1)) != 0 ? SIGINT : SIGTERM;
}

}  // namespace fasterapi::server
