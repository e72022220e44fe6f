#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace fasterapi::server {

// One response, as a test looks at it.
struct reply {
  int status = 0;
  std::string head;
  std::string body;
};

// A client that waits for its answers, up to twenty seconds for each read.
class waiting_client {
 public:
  explicit waiting_client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~waiting_client() { ::close(socket_); }
  waiting_client(const waiting_client&) = delete;
  waiting_client& operator=(const waiting_client&) = delete;

  void send(std::string_view bytes) {
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  reply get(const std::string& target, const std::string& fields = {}) {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    return receive();
  }
  reply post(const std::string& target, const std::string& body) {
    send("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body);
    return receive();
  }
  reply receive() {
    reply made;
    while (received_.find("\r\n\r\n") == std::string::npos) {
      if (!read_more()) return made;
    }
    made.head = received_.substr(0, received_.find("\r\n\r\n") + 2);
    received_.erase(0, made.head.size() + 2);
    made.status = std::stoi(made.head.substr(9, 3));
    const size_t length_at = made.head.find("\r\ncontent-length: ");
    const size_t length = length_at == std::string::npos ? 0 : std::stoul(made.head.substr(length_at + 18));
    while (received_.size() < length && read_more()) {
    }
    made.body = received_.substr(0, length);
    received_.erase(0, length);
    return made;
  }
  void reset() const {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::shutdown(socket_, SHUT_RDWR);
  }

 private:
  bool read_more() {
    char buffer[4096];
    const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got > 0) received_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  int socket_;
  std::string received_;
};

}  // namespace fasterapi::server
