#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "server/call_runner.h"
#include "server/shard.h"
#include "server/spare_driver.h"
#include "server/waiting_client.h"

// A shard whose handlers run on other threads, which post the answers.
namespace fasterapi::server {
namespace {

struct delivered final : posted_answer {
  void done() noexcept override { delete this; }
};

// Answers each call on a thread of its own, once it may.
class threads_runner final : public call_runner {
 public:
  ~threads_runner() {
    for (std::thread& each : threads_) each.join();
  }
  bool run(call& given, shard& home) noexcept override {
    if (!has_room) return false;
    ++running_;
    running_.notify_all();
    threads_.emplace_back([this, &given, &home, waits = !let_end_at_once.load()] {
      if (waits) may_end.wait(false);
      auto* posted = new delivered;
      posted->to = &given;
      if (fails) {
        posted->set_error("the handler was lost");
      } else {
        answer_view answer;
        answer.body = given.path;
        EXPECT_TRUE(posted->set(answer));
      }
      home.post(*posted);
    });
    return true;
  }
  void interrupt(call&) noexcept override {
    ++interrupted_;
    interrupted_.notify_all();
  }
  void let_end() {
    may_end = true;
    may_end.notify_all();
  }
  void await_running(int count) { await(running_, count); }
  void await_interrupted(int count) { await(interrupted_, count); }

  bool has_room = true;
  bool fails = false;
  std::atomic<bool> may_end = true;
  std::atomic<bool> let_end_at_once = false;

 private:
  static void await(const std::atomic<int>& number, int count) {
    for (int now = number; now < count; now = number) number.wait(now);
  }

  std::atomic<int> running_ = 0;
  std::atomic<int> interrupted_ = 0;
  std::vector<std::thread> threads_;
};

// The shard is driven by a plain thread, as in `pooled`: it sleeps until there is something to do.
class DelegationTest : public testing::Test {
 protected:
  void SetUp() override {
    const http::method_set bit = app.router.bit_of(http::method::get, {});
    ASSERT_TRUE(app.router.add(bit, "/{name}", 0).ok());
    app.routes.push_back({});
    auto made = shard::create({});
    ASSERT_TRUE(made.ok());
    tested = made.take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
    ASSERT_TRUE(tested->serve(app, listener.take()).ok());
  }
  void start() {
    port = tested->local().port();
    driver = std::thread([this] { drive(*tested, runner); });
  }
  void TearDown() override {
    runner.let_end();
    tested->request_stop();
    driver.join();
    EXPECT_TRUE(tested->drained());
  }

  application app;
  threads_runner runner;
  std::unique_ptr<shard> tested;  // ends before the runner's threads, who may be in post() still: see the sanitizers
  std::thread driver;
  uint16_t port = 0;
};

TEST_F(DelegationTest, AnAnswerComesFromAnotherThread) {
  start();
  waiting_client one(port);
  for (const char* path : {"/hello", "/again", "/and-again"}) {
    const reply got = one.get(path);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, path);
  }
}

TEST_F(DelegationTest, OtherCallsGoOnMeanwhile) {
  runner.may_end = false;
  start();
  waiting_client held(port);
  held.send("GET /held HTTP/1.1\r\nhost: x\r\n\r\n");
  runner.await_running(1);
  runner.let_end_at_once = true;
  waiting_client other(port);
  EXPECT_EQ(other.get("/other").body, "/other");
  runner.let_end();
  EXPECT_EQ(held.receive().body, "/held");
}

TEST_F(DelegationTest, ManyThreadsPost) {
  start();
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([this] {
      waiting_client one(port);
      for (int request = 0; request < 50; ++request) EXPECT_EQ(one.get("/x").body, "/x");
    });
  }
  for (std::thread& each : clients) each.join();
}

TEST_F(DelegationTest, WithoutRoomTheAnswerIs503) {
  runner.has_room = false;
  start();
  const reply got = waiting_client(port).get("/x");
  EXPECT_EQ(got.status, 503);
  EXPECT_NE(got.head.find("retry-after: 1\r\n"), std::string::npos);
}

TEST_F(DelegationTest, ALostHandlerIsAnInternalError) {
  runner.fails = true;
  start();
  const reply got = waiting_client(port).get("/x");
  EXPECT_EQ(got.status, 500);
  EXPECT_NE(got.body.find("request_id"), std::string::npos);
}

TEST_F(DelegationTest, AtTheDeadlineTheAnswerIs504AndTheHandlerIsInterrupted) {
  app.routes[0].timeout_ms = 20;
  runner.may_end = false;
  start();
  waiting_client one(port);
  EXPECT_EQ(one.get("/late").status, 504);
  runner.await_interrupted(1);
  runner.let_end();
  EXPECT_EQ(one.get("/next").body, "/next");
}

TEST_F(DelegationTest, AHandlerWhoseClientIsGoneIsInterrupted) {
  runner.may_end = false;
  start();
  {
    waiting_client gone(port);
    gone.send("GET /x HTTP/1.1\r\nhost: x\r\n\r\n");
    runner.await_running(1);
    gone.reset();
  }
  runner.await_interrupted(1);
}

}  // namespace
}  // namespace fasterapi::server
