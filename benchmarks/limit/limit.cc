// The limit: what a request costs when nothing is done with it.
//
// One thread, one level-triggered epoll loop, one recv and one send per request, and the same bytes for every
// answer. It reads no HTTP: whatever arrives on a readable connection is taken for one whole request. No server can
// do less per request with these system calls, so its CPU time per request is the measure of every other server.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr int events_max = 512;
constexpr int backlog = 2048;
constexpr std::size_t request_bytes_max = 64 * 1024;
constexpr std::size_t text_bytes = 10 * 1024;
constexpr std::string_view json_body = R"({"message":"Hello, World!"})";

struct options {
  std::uint16_t port = 0;
  bool text = false;  // answer 10 KB of text/plain in place of the JSON body
};

std::optional<options> parse_options(int argc, char** argv) {
  options parsed;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--text") {
      parsed.text = true;
    } else if (word == "--port" && i + 1 < argc) {
      const std::string_view number = argv[++i];
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parsed.port);
      if (error != std::errc{} || end != number.data() + number.size()) {
        return std::nullopt;
      }
    } else {
      return std::nullopt;
    }
  }
  if (parsed.port == 0) {
    return std::nullopt;
  }
  return parsed;
}

std::string make_answer(bool text) {
  const std::string body = text ? std::string(text_bytes, 'x') : std::string(json_body);
  const std::string_view type = text ? "text/plain; charset=utf-8" : "application/json";
  std::string answer = "HTTP/1.1 200 OK\r\ncontent-type: ";
  answer += type;
  answer += "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  return answer;
}

[[noreturn]] void stop(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Returns a non-blocking listener on 127.0.0.1; the caller owns the descriptor.
int listen_on(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) {
    stop("socket");
  }
  const int on = 1;
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) {
    stop("setsockopt");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    stop("bind");
  }
  if (listen(listener, backlog) < 0) {
    stop("listen");
  }
  return listener;
}

void watch(int poller, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) {
    stop("epoll_ctl");
  }
}

void accept_all(int poller, int listener) {
  for (;;) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) {
      if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) {
        return;
      }
      stop("accept4");
    }
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(poller, connection);
  }
}

// One recv, one send. A connection that ends, fails or does not take the whole answer at once is closed.
void answer_one(int connection, std::string_view answer, std::array<char, request_bytes_max>& request) {
  const ssize_t received = recv(connection, request.data(), request.size(), 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (received <= 0 ||
      send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(answer.size())) {
    close(connection);
  }
}

[[noreturn]] void serve(int listener, std::string_view answer) {
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) {
    stop("epoll_create1");
  }
  watch(poller, listener);
  std::array<epoll_event, events_max> events{};
  std::array<char, request_bytes_max> request;
  for (;;) {
    const int ready = epoll_wait(poller, events.data(), events_max, -1);
    if (ready < 0 && errno != EINTR) {
      stop("epoll_wait");
    }
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener) {
        accept_all(poller, listener);
      } else {
        answer_one(descriptor, answer, request);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<options> chosen = parse_options(argc, argv);
  if (!chosen) {
    std::fputs("usage: limit --port PORT [--text]\n", stderr);
    return 2;
  }
  const std::string answer = make_answer(chosen->text);
  serve(listen_on(chosen->port), answer);
}
