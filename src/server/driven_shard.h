#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "server/shard.h"

namespace fasterapi::server {

inline constexpr std::string_view get_root = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

// A client's end of a connection. Reads give up after ten seconds.
class client {
 public:
  explicit client(const net::address& to) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{10, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(socket_.get(), &to.base, to.size()), 0);
  }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  int fd() const { return socket_.get(); }
  // How much room there is for what arrives: with little, a large answer soon has to wait.
  void make_room(int size) { setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size); }
  void reset() {
    const linger now{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
  }
  // What has arrived by now, without waiting.
  std::string arrived() {
    char buffer[65536];
    std::string all;
    for (;;) {
      const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0) closed_ = true;
      if (got < 0) reset_ = errno == ECONNRESET;
      if (got <= 0) return all;
      all.append(buffer, static_cast<size_t>(got));
    }
  }
  bool closed() {
    arrived();
    return closed_;
  }
  // Whether the last look at what arrived met a reset.
  bool was_reset() const { return reset_; }

 private:
  net::descriptor socket_;
  bool closed_ = false;
  bool reset_ = false;
};

// A shard on its own, driven by the test, with a handler that answers `reply` or suspends.
class DrivenShard : public testing::Test {
 protected:
  void SetUp() override {
    add(http::method::get, "/");
    add(http::method::get, "/items/{id}");
    add(http::method::post, "/items");
    add(http::method::get, "/slashed/");
  }

  void add(http::method method, std::string_view path) {
    const http::method_set bit = app.router.bit_of(method, {});
    ASSERT_TRUE(app.router.add(bit, path, static_cast<uint32_t>(app.routes.size())).ok());
    app.routes.push_back({});
  }

  void open() {
    auto made = shard::create(settings);
    ASSERT_TRUE(made.ok());
    tested = made.take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
    ASSERT_TRUE(listener.ok());
    ASSERT_TRUE(tested->serve(app, listener.take()).ok());
  }
  // With a listener that the test holds too.
  void open_shared() {
    auto made = shard::create(settings);
    ASSERT_TRUE(made.ok());
    tested = made.take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
    ASSERT_TRUE(listener.ok());
    shared = listener.take();
    tested_address = shared.local;
    ASSERT_TRUE(tested->serve(app, net::listener::adopt(shared.socket.get(), 16).take()).ok());
  }
  client connect() { return client(tested->local()); }

  // Runs turns, and the handler for each call, until `done` says so; fails after ten seconds.
  void run_until(const std::function<bool()>& done) {
    const int64_t deadline = core::coarse_ms() + 10'000;
    while (!done()) {
      ASSERT_LT(core::coarse_ms(), deadline);
      tested->wait(10);
      while (call* next = tested->next_call()) handle(*next);
      while (call* gone = tested->next_cancelled()) {
        ++cancelled;
        if (ends_cancelled) tested->answer(*gone, {});
      }
    }
  }
  std::string receive(client& from, size_t size) {
    std::string all;
    run_until([&] {
      all += from.arrived();
      return all.size() >= size || from.closed();
    });
    return all;
  }
  // Everything until the shard closes the connection.
  std::string receive_all(client& from) { return receive(from, std::string::npos); }

  void handle(call& next) {
    seen.push_back(std::string(next.head.view(next.head.method_token)) + " " + std::string(next.path) + " " +
                   std::string(next.body));
    if (suspends) {
      ASSERT_TRUE(tested->suspend(next, true));
      waiting.push_back(&next);
      return;
    }
    answer(next);
  }
  void answer(call& ended) {
    answer_view plain;
    plain.content_type = "text/plain";
    plain.body = reply;
    tested->answer(ended, plain);
  }

  config settings;
  application app;
  std::unique_ptr<shard> tested;
  net::listener shared;
  net::address tested_address;
  std::string reply = "ok";
  bool suspends = false;
  bool ends_cancelled = true;  // a handler whose client is gone ends at once
  int cancelled = 0;
  std::vector<std::string> seen;
  std::vector<call*> waiting;
};

}  // namespace fasterapi::server
