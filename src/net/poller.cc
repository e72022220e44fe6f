#include "net/poller.h"

#include <cerrno>

namespace fasterapi::net {

core::result<poller> poller::create() {
  poller made;
  made.epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!made.epoll_.valid()) return core::system_error(errno, "open an epoll instance");
  if (!made.wake_.valid()) return core::system_error(errno, "open an eventfd");
  if (!made.add(made.wake_.fd(), EPOLLIN | EPOLLET, wake_tag)) return core::system_error(errno, "watch an eventfd");
  return made;
}

namespace {
bool control(int epoll, int operation, int fd, uint32_t events, uint64_t tag) noexcept {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll, operation, fd, &event) == 0;
}
}  // namespace

bool poller::add(int fd, uint32_t events, uint64_t tag) noexcept {
  return control(epoll_.get(), EPOLL_CTL_ADD, fd, events, tag);
}

bool poller::modify(int fd, uint32_t events, uint64_t tag) noexcept {
  return control(epoll_.get(), EPOLL_CTL_MOD, fd, events, tag);
}

bool poller::remove(int fd) noexcept { return epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0; }

std::span<epoll_event> poller::wait(int timeout_ms) noexcept {
  const int count = epoll_wait(epoll_.get(), events_.data(), max_events, timeout_ms);
  return {events_.data(), count > 0 ? static_cast<size_t>(count) : 0};
}

}  // namespace fasterapi::net
