// Sends the events of examples/one_million.py: so many requests over so many connections, each on the answer to the
// one before it. Prints one line of JSON: how many were answered with 200, and how long it took.
//
// One thread, one level-triggered epoll loop. It stops at the first connection that ends or answers something else.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int events_max = 512;
constexpr uint64_t users = 75'000;
constexpr uint64_t values = 1'000;
constexpr std::string_view success = "HTTP/1.1 200 ";

struct options {
  uint16_t port = 0;
  uint64_t requests = 0;
  uint64_t connections = 0;
};

[[noreturn]] void stop(const char* what) {
  std::perror(what);
  std::exit(1);
}

template <typename Number>
bool parse(const char* text, Number& into) {
  const std::string_view word = text;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), into);
  return error == std::errc{} && end == word.data() + word.size() && into > 0;
}

// The request that tells of event `number`.
std::string event(uint64_t number) {
  std::string body = R"({"userId":"user_)" + std::to_string(number % users);
  body += R"(","value":)" + std::to_string(number % values) + "}";
  std::string text = "POST /event HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ";
  return text + std::to_string(body.size()) + "\r\n\r\n" + body;
}

int connect_to(uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (made < 0 || connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) stop("connect");
  const int on = 1;
  if (setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) stop("TCP_NODELAY");
  return made;
}

class load {
 public:
  explicit load(const options& asked) : asked_(asked), poller_(epoll_create1(EPOLL_CLOEXEC)) {
    if (poller_ < 0) stop("epoll_create1");
    for (uint64_t i = 0; i < asked.connections; ++i) {
      const int made = connect_to(asked.port);
      epoll_event wanted = {.events = EPOLLIN, .data = {.fd = made}};
      if (epoll_ctl(poller_, EPOLL_CTL_ADD, made, &wanted) < 0) stop("epoll_ctl");
      connections_.push_back(made);
    }
  }
  ~load() {
    for (const int each : connections_) close(each);
    close(poller_);
  }
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  void run() {
    for (const int each : connections_) send_next(each);
    std::array<epoll_event, events_max> ready;
    while (answered_ < asked_.requests) {
      const int count = epoll_wait(poller_, ready.data(), events_max, 10'000);
      if (count <= 0) stop("no answer for ten seconds");
      for (int i = 0; i < count; ++i) read_answer(ready[static_cast<size_t>(i)].data.fd);
    }
  }

 private:
  void send_next(int connection) {
    if (sent_ == asked_.requests) return;
    const std::string text = event(sent_++);
    if (send(connection, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) stop("send");
  }

  // The answers are short, and come whole.
  void read_answer(int connection) {
    std::array<char, 4096> bytes;
    const ssize_t count = recv(connection, bytes.data(), bytes.size(), 0);
    if (count <= 0) stop("recv");
    const std::string_view answer(bytes.data(), static_cast<size_t>(count));
    if (!answer.starts_with(success)) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(answer.size()), answer.data());
      std::exit(1);
    }
    ++answered_;
    send_next(connection);
  }

  options asked_;
  int poller_;
  std::vector<int> connections_;
  uint64_t sent_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  options asked;
  if (argc != 4 || !parse(argv[1], asked.port) || !parse(argv[2], asked.requests) ||
      !parse(argv[3], asked.connections)) {
    std::fputs("usage: events PORT REQUESTS CONNECTIONS\n", stderr);
    return 2;
  }
  load work(asked);
  const auto begun = std::chrono::steady_clock::now();
  work.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("{\"requests\": %llu, \"seconds\": %.3f}\n", static_cast<unsigned long long>(asked.requests),
              took.count());
  return 0;
}
