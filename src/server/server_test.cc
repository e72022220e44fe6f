#include "fasterapi/server/server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "fasterapi/core/awaitable_future.h"
#include "fasterapi/core/future.h"
#include "server/waiting_client.h"

namespace fasterapi::server {
namespace {

using core::coro_task;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    settings.port = 0;
    settings.num_pinned_workers = 2;
    make();
  }
  void make() {
    auto made = server::create(settings);
    ASSERT_TRUE(made.ok());
    srv = made.take();
  }
  void start() {
    auto started = srv->start();
    ASSERT_TRUE(started.ok()) << started.failure().message;
    ASSERT_NE(srv->port(), 0);
  }
  void stop() {
    srv->stop();
    auto ended = srv->wait();
    EXPECT_TRUE(ended.ok()) << ended.failure().message;
  }

  server_config settings;
  std::unique_ptr<server> srv;
};

TEST_F(ServerTest, AnswersWithWhatAPlainHandlerReturns) {
  srv->get("/hello/{name}", [](const request& of) {
    return response::text("hello " + std::string(of.path_value("name"))).with("x-one", "1");
  });
  start();
  waiting_client one(srv->port());
  const reply made = one.get("/hello/Zo%C3%AB");
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.body, "hello Zo\u00eb");
  EXPECT_NE(made.head.find("\r\nx-one: 1\r\n"), std::string::npos);
  EXPECT_NE(made.head.find("\r\ncontent-type: text/plain; charset=utf-8\r\n"), std::string::npos);
  EXPECT_EQ(one.get("/nowhere").status, 404);
  EXPECT_EQ(one.post("/hello/x", "").status, 405);
  stop();
}

TEST_F(ServerTest, ShowsEverythingOfARequest) {
  srv->post("/{year:int}/{rest:path}", [](const request& of) {
    std::string all;
    const auto add = [&all](std::string_view part) { all.append(part).append("|"); };
    for (const auto part : {of.method(), of.path(), of.raw_path(), of.query(), of.body()}) add(part);
    for (const auto& [name, value] : of.path_values()) add(std::string(name) + "=" + std::string(value));
    for (const auto& [name, value] : of.query_values()) add(std::string(name) + "=" + std::string(value));
    add(of.query_value("a").value_or("none"));
    add(of.query_value("c").value_or("none"));
    add(of.header("HOST").value_or("none"));
    add(of.header("cookie").value_or("none"));
    add(std::to_string(of.headers().size()));
    add(of.client().substr(0, 10));
    return response::json(all, 201);
  });
  start();
  const reply made = waiting_client(srv->port()).post("/2024/a%20b/c?a=1&b=x+y&a=2", "the body");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body,
            "POST|/2024/a b/c|/2024/a%20b/c|a=1&b=x+y&a=2|the body|year=2024|rest=a b/c|a=1|b=x y|a=2|1|none|x|none|2|"
            "127.0.0.1:|");
  stop();
}

TEST_F(ServerTest, AnErrorIs500AndItsTextStaysHere) {
  srv->get("/error", [](const request&) -> core::result<response> {
    return core::error{core::errc::timed_out, "secret"};
  });
  srv->get("/late-error", [](const request&) -> coro_task<response> {
    co_return core::error{core::errc::timed_out, "secret"};
  });
  srv->get("/bad-header", [](const request&) { return response::text("x").with("x", "a\r\nb: c"); });
  srv->get("/bad-status", [](const request&) { return response::empty(99); });
  start();
  waiting_client one(srv->port());
  for (const char* path : {"/error", "/late-error", "/bad-header", "/bad-status"}) {
    const reply made = one.get(path);
    EXPECT_EQ(made.status, 500) << path;
    EXPECT_EQ(made.body.find("secret"), std::string::npos);
    EXPECT_NE(made.body.find("request_id"), std::string::npos);
  }
  stop();
}

TEST_F(ServerTest, ACoroutineThatNeverSuspendsIsAnsweredAtOnce) {
  srv->get("/", [](const request& of) -> coro_task<response> { co_return response::text(std::string(of.path())); });
  start();
  waiting_client one(srv->port());
  one.send("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(one.receive().body, "/");
  EXPECT_EQ(one.receive().body, "/");
  stop();
}

// What handlers wait for and the test brings, from its own thread.
class gate {
 public:
  core::future<std::string> pass() {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back();
    changed_.notify_all();
    return waiting_.back().get_future();
  }
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_.size() == count; }));
  }
  // Waits until `count` handlers wait, and lets them go on.
  void open(size_t count, const std::string& with) {
    wait_for(count);
    std::vector<core::promise<std::string>> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(waiting_);
    }
    for (auto& each : all) each.set(with);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<core::promise<std::string>> waiting_;
};

// Comes before tests with handlers that never end: those are in flight for as long as the process lives.
TEST_F(ServerTest, RequestsInFlightHaveTheBoundsThatAreAskedFor) {
  for (auto* bound : {&settings.max_in_flight, &settings.max_in_flight_total}) {
    settings = {};
    settings.port = 0;
    settings.num_pinned_workers = 1;
    *bound = 1;
    make();
    gate held;
    srv->get("/", [&held](const request& of) -> coro_task<response> {
      CO_TRY(const std::string got, co_await core::make_awaitable(held.pass(), of.executor()));
      co_return response::text(got);
    });
    start();
    waiting_client one(srv->port());
    one.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    held.wait_for(1);
    const reply refused = waiting_client(srv->port()).get("/");
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.head.find("\r\nretry-after: 1\r\n"), std::string::npos);
    held.open(1, "held");
    EXPECT_EQ(one.receive().body, "held");
    stop();
  }
}

TEST_F(ServerTest, ASuspendedHandlerGoesOnOnItsThreadAndKeepsItsViews) {
  gate passing;
  srv->post("/wait/{name}", [&passing](const request& of) -> coro_task<response> {
    const auto thread = std::this_thread::get_id();
    const std::string_view name = of.path_value("name");
    const std::string_view body = of.body();
    CO_TRY(const std::string brought, co_await core::make_awaitable(passing.pass(), of.executor()));
    if (std::this_thread::get_id() != thread) co_return response::text("another thread", 500);
    co_return response::text(std::string(name) + " " + std::string(body) + " " + brought);
  });
  srv->get("/quick", [](const request&) { return response::text("quick"); });
  start();
  std::vector<std::unique_ptr<waiting_client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<waiting_client>(srv->port()));
    clients.back()->send("POST /wait/n" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nb" +
                         std::to_string(i));
  }
  EXPECT_EQ(waiting_client(srv->port()).get("/quick").body, "quick");
  passing.open(8, "done");
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(clients[static_cast<size_t>(i)]->receive().body,
              "n" + std::to_string(i) + " b" + std::to_string(i) + " done");
  }
  stop();
}

TEST_F(ServerTest, RequestsUnderWayAreAnsweredBeforeItStops) {
  gate passing;
  srv->get("/wait", [&passing](const request& of) -> coro_task<response> {
    CO_TRY(std::string brought, co_await core::make_awaitable(passing.pass(), of.executor()));
    co_return response::text(std::move(brought));
  });
  start();
  waiting_client one(srv->port());
  one.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  passing.wait_for(1);
  srv->stop();
  passing.open(1, "late");
  EXPECT_EQ(one.receive().body, "late");
  EXPECT_TRUE(srv->wait().ok());
}

// Waits, up to twenty seconds.
bool becomes_true(const std::atomic<bool>& flag) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!flag && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return flag;
}

TEST_F(ServerTest, AHandlerIsToldThatItsClientIsGone) {
  gate passing;
  std::atomic<bool> told = false;
  srv->get("/wait", [&](const request& of) -> coro_task<response> {
    const core::cancel_callback on_gone(of.cancellation(), [&told] { told = true; });
    CO_TRY(std::string brought, co_await core::make_awaitable(passing.pass(), of.executor()));
    co_return response::text(std::move(brought));
  });
  start();
  {
    waiting_client one(srv->port());
    one.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    passing.wait_for(1);
    one.reset();
  }
  EXPECT_TRUE(becomes_true(told));
  passing.open(1, "for nobody");
  stop();
}

TEST_F(ServerTest, AStopTellsHandlersAfterTheGracePeriodAndGivesUpOnThemLater) {
  settings.grace_period_ms = 20;
  settings.cancel_period_ms = 1000;
  make();
  gate passing;
  core::promise<std::string> heeded;
  std::atomic<bool> heeds = false;
  srv->get("/heeds", [&](const request& of) -> coro_task<response> {
    const core::cancel_callback on_stop(of.cancellation(), [&heeded] { heeded.set(std::string("stopped")); });
    heeds = true;
    CO_TRY(std::string brought, co_await core::make_awaitable(heeded.get_future(), of.executor()));
    co_return response::text(std::move(brought));
  });
  srv->get("/ignores", [&](const request& of) -> coro_task<response> {
    CO_TRY(std::string brought, co_await core::make_awaitable(passing.pass(), of.executor()));
    co_return response::text(std::move(brought));
  });
  start();
  waiting_client one(srv->port());
  waiting_client other(srv->port());
  other.send("GET /ignores HTTP/1.1\r\nHost: x\r\n\r\n");
  passing.wait_for(1);
  one.send("GET /heeds HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(becomes_true(heeds));
  srv->stop();
  EXPECT_EQ(one.receive().body, "stopped");
  const auto ended = srv->wait();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.failure().message, "1 handlers had not ended when the server stopped");
  passing.open(1, "too late");
}

TEST_F(ServerTest, RequestsHaveTheBoundsThatAreAskedFor) {
  settings.request_line_max_bytes = 64;
  settings.header_max_bytes = 128;
  settings.header_max_count = 3;
  settings.body_max_bytes = 10;
  settings.body_grace_ms = 100;
  settings.body_min_rate_bytes_s = 1'000'000;
  make();
  srv->get("/{rest:path}", [](const request&) { return response::empty(); });
  srv->post("/", [](const request&) { return response::empty(); });
  start();
  const auto get = [this](const std::string& target, const std::string& fields) {
    return waiting_client(srv->port()).get(target, fields).status;
  };
  EXPECT_EQ(get("/", "a: 1\r\nb: 2\r\n"), 204);
  EXPECT_EQ(get("/" + std::string(64, 'x'), ""), 414);
  EXPECT_EQ(get("/", "a: " + std::string(128, 'x') + "\r\n"), 431);
  EXPECT_EQ(get("/", "a: 1\r\nb: 2\r\nc: 3\r\n"), 431);
  EXPECT_EQ(waiting_client(srv->port()).post("/", "0123456789").status, 204);
  EXPECT_EQ(waiting_client(srv->port()).post("/", "0123456789a").status, 413);
  waiting_client slow(srv->port());
  slow.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0");
  EXPECT_EQ(slow.receive().status, 408);
  stop();
}

TEST_F(ServerTest, ConnectionsHaveTheBoundsThatAreAskedFor) {
  settings.num_pinned_workers = 1;
  settings.max_requests_per_connection = 2;
  settings.max_connections_per_address = 1;
  make();
  srv->get("/", [](const request&) { return response::empty(); });
  start();
  waiting_client one(srv->port());
  EXPECT_EQ(one.get("/").head.find("connection: close"), std::string::npos);
  EXPECT_EQ(waiting_client(srv->port()).receive().status, 503);
  EXPECT_NE(one.get("/").head.find("connection: close"), std::string::npos);
  stop();
}

TEST_F(ServerTest, WhatCannotBeStartedSaysWhy) {
  srv->get("no-slash", [](const request&) { return response::empty(); });
  auto started = srv->start();
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.failure().message.find("no-slash"), std::string::npos) << started.failure().message;

  settings.host = "256.0.0.1";
  make();
  EXPECT_FALSE(srv->start().ok());
}

TEST_F(ServerTest, AStopBeforeTheStartHolds) {
  srv->stop();
  start();
  EXPECT_TRUE(srv->wait().ok());
}

TEST_F(ServerTest, RunEndsBySignalAndPutsTheOldHandlerBack) {
  std::thread sender([this] {
    while (srv->port() == 0) std::this_thread::yield();
    ::kill(::getpid(), SIGTERM);
  });
  auto ended = srv->run();
  sender.join();
  EXPECT_TRUE(ended.ok());
  struct sigaction now {};
  sigaction(SIGTERM, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace fasterapi::server
