#include "server/signal_watch.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace fasterapi::server {

namespace {

// Where the handler writes, which has nothing but globals to go by.
std::atomic<int> handler_descriptor = -1;

constexpr uint64_t interrupt_unit = 1;
constexpr uint64_t terminate_unit = uint64_t{1} << 20;
constexpr uint64_t hangup_unit = uint64_t{1} << 40;

void note_signal(int number) {
  const uint64_t word = number == SIGINT ? interrupt_unit : number == SIGTERM ? terminate_unit : hangup_unit;
  [[maybe_unused]] const ssize_t written =
      ::write(handler_descriptor.load(std::memory_order_relaxed), &word, sizeof word);
}

// Whether this process has a controlling terminal that is still there.
bool has_terminal() noexcept { return net::descriptor(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)).valid(); }

}  // namespace

signal_watch::signal_watch(reloads on_hangup)
    : events_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), on_hangup_(on_hangup), had_terminal_(has_terminal()) {
  handler_descriptor.store(events_.get());
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, &previous_term_);
  sigaction(SIGINT, &action, &previous_int_);
  if (on_hangup_ == reloads::yes) sigaction(SIGHUP, &action, &previous_hup_);
}

signal_watch::~signal_watch() {
  sigaction(SIGTERM, &previous_term_, nullptr);
  sigaction(SIGINT, &previous_int_, nullptr);
  if (on_hangup_ == reloads::yes) sigaction(SIGHUP, &previous_hup_, nullptr);
  handler_descriptor.store(-1);
}

int signal_watch::take() noexcept {
  uint64_t word = 0;
  if (::read(events_.get(), &word, sizeof word) != sizeof word) return 0;
  if ((word & (terminate_unit - 1)) != 0) return SIGINT;
  if ((word & (hangup_unit - 1)) != 0) return SIGTERM;
  return had_terminal_ && !has_terminal() ? SIGTERM : SIGHUP;
}

}  // namespace fasterapi::server
