// Connections that take their time: `slow PORT COUNT KIND`, until standard input ends. Each sends, or takes, a byte
// every now and then; one that the server ends is made anew. Then it prints a line of JSON: how many there were at the
// end, and how often one was ended.
//
//   idle    one request, and nothing more        header  a head that never ends
//   body    a body that never ends               reader  a large answer, hardly taken

#include <sys/epoll.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "socket.h"

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause{1000};  // between two signs of life of one connection
constexpr int receive_buffer_bytes = 2048;
constexpr int events_max = 512;
constexpr size_t made_per_turn = 200;

struct habit {
  std::string_view first;    // what it sends at once
  std::string_view trickle;  // and then, again and again
  bool reads = true;         // whatever comes
};

bool habit_of(std::string_view kind, habit& into) {
  if (kind == "idle") return into.first = "GET /fast HTTP/1.1\r\nhost: a\r\n\r\n", true;
  if (kind == "header") return into.first = "GET /fast HTTP/1.1\r\nhost: a\r\n", into.trickle = "x: 1\r\n", true;
  if (kind == "body") {
    into.first = "POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";
    return into.trickle = "x", true;
  }
  if (kind == "reader") return into.first = "GET /large HTTP/1.1\r\nhost: a\r\n\r\n", into.reads = false, true;
  return false;
}

class crowd {
 public:
  crowd(uint16_t port, size_t size, const habit& of_each)
      : port_(port), habit_(of_each), members_(size, -1), poller_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poller_ < 0) stop("epoll_create1");
    epoll_event wanted = {.events = EPOLLIN, .data = {.u64 = size}};
    if (epoll_ctl(poller_, EPOLL_CTL_ADD, STDIN_FILENO, &wanted) < 0) stop("standard input must be a pipe");
  }

  // Every member gets its turn once a pause.
  void run() {
    std::array<epoll_event, events_max> ready;
    const auto begun = clock_type::now();
    uint64_t turns = 0;
    while (!is_over_) {
      const int count = epoll_wait(poller_, ready.data(), events_max, 5);
      if (count < 0 && errno != EINTR) stop("epoll_wait");
      for (int i = 0; i < count; ++i) look_at(ready[static_cast<size_t>(i)]);
      const auto passed = std::chrono::duration<double>(clock_type::now() - begun) / pause;
      const auto due = static_cast<uint64_t>(passed * static_cast<double>(members_.size()));
      for (size_t made = 0; turns < due && made < made_per_turn; ++turns) made += give_turn(turns % members_.size());
    }
    size_t connected = 0;
    for (const int each : members_) {
      if (each < 0) continue;
      ++connected;
      reset(each);
    }
    std::printf("{\"connected\": %zu, \"ended\": %llu, \"refused\": %llu}\n", connected,
                static_cast<unsigned long long>(ended_), static_cast<unsigned long long>(refused_));
  }

 private:
  // True if a connection was made.
  bool give_turn(size_t number) {
    int& member = members_[number];
    if (member < 0) {
      member = begin_connecting(port_, habit_.reads ? 0 : receive_buffer_bytes);
      if (member < 0) return ++refused_, false;
      epoll_event wanted = {.events = EPOLLOUT, .data = {.u64 = number}};
      if (epoll_ctl(poller_, EPOLL_CTL_ADD, member, &wanted) < 0) stop("epoll_ctl");
      return true;
    }
    if (!habit_.trickle.empty() && send(member, habit_.trickle.data(), habit_.trickle.size(), MSG_NOSIGNAL) < 0 &&
        errno != EAGAIN) {
      drop(number);
    } else if (!habit_.reads) {
      take(number, 1);
    }
    return false;
  }

  void look_at(const epoll_event& ready) {
    if (ready.data.u64 == members_.size()) {
      std::array<char, 64> bytes;
      is_over_ = read(STDIN_FILENO, bytes.data(), bytes.size()) <= 0;
      return;
    }
    const size_t number = ready.data.u64;
    if (members_[number] < 0) return;
    if ((ready.events & EPOLLOUT) != 0) {
      greet(number);
    } else if ((ready.events & (EPOLLHUP | EPOLLERR)) != 0) {
      drop(number);
    } else {
      take(number, 4096);
    }
  }

  void greet(size_t number) {
    if (send(members_[number], habit_.first.data(), habit_.first.size(), MSG_NOSIGNAL) < 0) return drop(number);
    epoll_event wanted = {.events = habit_.reads ? EPOLLIN : 0U, .data = {.u64 = number}};
    if (epoll_ctl(poller_, EPOLL_CTL_MOD, members_[number], &wanted) < 0) stop("epoll_ctl");
  }

  void take(size_t number, size_t bytes_max) {
    std::array<char, 4096> bytes;
    const ssize_t count = recv(members_[number], bytes.data(), bytes_max, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) drop(number);
  }

  void drop(size_t number) {
    close(members_[number]);
    members_[number] = -1;
    ++ended_;
  }

  const uint16_t port_;
  const habit habit_;
  std::vector<int> members_;
  const int poller_;
  bool is_over_ = false;
  uint64_t ended_ = 0;
  uint64_t refused_ = 0;
};

template <typename Number>
bool parse(std::string_view word, Number& into) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), into);
  return error == std::errc{} && end == word.data() + word.size() && into > 0;
}

}  // namespace

int main(int argc, char** argv) {
  uint16_t port = 0;
  size_t count = 0;
  habit of_each;
  if (argc != 4 || !parse(argv[1], port) || !parse(argv[2], count) || !habit_of(argv[3], of_each)) {
    std::fputs("usage: slow PORT COUNT idle|header|body|reader\n", stderr);
    return 2;
  }
  raise_descriptor_limit();
  crowd(port, count, of_each).run();
  return 0;
}
