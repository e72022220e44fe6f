#include "server/monitor.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "server/shard.h"
#include "server/waiting_client.h"

// A worker of this test's own, whose handlers the test holds up as long as it likes, while a monitor watches.
namespace fasterapi::server {
namespace {

// Closed until somebody opens it.
class barrier {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    is_open_ = false;
  }
  void pass() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [this] { return is_open_; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

class MonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    add("/quick", 0);
    add("/held", 0);
    add("/late", 50);
    auto made = shard::create(settings);
    ASSERT_TRUE(made.ok());
    tested = made.take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
    ASSERT_TRUE(tested->serve(app, listener.take()).ok());
    const auto interrupt = [this](uint64_t section) {
      interrupted = section;
      if (!deaf) released.open();
      return true;
    };
    auto watcher = monitor::create();
    ASSERT_TRUE(watcher.ok());
    watching = watcher.take();
    lent = std::make_unique<lease>(*tested, lease::hooks{interrupt,
                                                         [this] {
                                                           ++stuck;
                                                           released.open();
                                                         },
                                                         [this] {
                                                           ++recovered;
                                                           back.open();
                                                         }});
    worker = std::thread([this] { serve(); });
  }
  void TearDown() override {
    released.open();
    tested->request_stop();
    worker.join();
  }

  void add(std::string_view path, int64_t timeout_ms) {
    const http::method_set bit = app.router.bit_of(http::method::get, {});
    ASSERT_TRUE(app.router.add(bit, path, static_cast<uint32_t>(app.routes.size())).ok());
    app.routes.push_back({});
    app.routes.back().timeout_ms = timeout_ms;
  }

  void serve() {
    watching->watch(*lent);
    while (!tested->drained()) {
      tested->wait(-1);
      while (call* next = tested->next_call()) {
        lent->leave(next);
        const std::string body = handle(*next);
        if (lent->enter()) ++came_back;
        answer_view plain;
        plain.body = body;
        tested->answer(*next, plain);
      }
    }
    watching->unwatch(*lent);
  }

  // Has the worker busy with this client's requests; returns once somebody else drives the shard.
  void keep_busy(waiting_client& with, std::string_view requests = "GET /held HTTP/1.1\r\nHost: x\r\n\r\n") {
    with.send(requests);
    entered.pass();
    EXPECT_EQ(waiting_client(port()).get("/nowhere").status, 404);
  }

  std::string handle(const call& next) {
    if (next.path != "/quick") {
      entered.open();
      released.pass();
    }
    // What the handler was given must be there still.
    return std::string(next.path) + "?" + std::string(next.head.view(next.head.query));
  }
  uint16_t port() const { return tested->local().port(); }

  config settings;
  application app;
  std::unique_ptr<shard> tested;
  std::unique_ptr<lease> lent;
  std::unique_ptr<monitor> watching;
  barrier entered;
  barrier released;
  barrier back;  // the worker that was stuck
  std::atomic<uint64_t> interrupted = 0;
  std::atomic<bool> deaf = false;  // handlers do not take notice of an interruption
  std::atomic<int> stuck = 0;
  std::atomic<int> recovered = 0;
  int came_back = 0;  // the worker's; the test's once it has ended
  std::thread worker;
};

TEST_F(MonitorTest, OthersAreServedWhileAHandlerIsBusy) {
  waiting_client held(port());
  keep_busy(held, "GET /held?first HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting_client other(port());
  // More than one block's worth of bytes goes through the shard's hands.
  const std::string long_field = "X-Padding: " + std::string(6000, 'x') + "\r\n";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(other.get("/nowhere", long_field).status, 404);
  EXPECT_EQ(lent->times_lent(), 1U);
  released.open();
  EXPECT_EQ(held.receive().body, "/held?first");
  EXPECT_EQ(other.get("/quick?after").body, "/quick?after");
}

TEST_F(MonitorTest, CallsForTheWorkerWaitForIt) {
  waiting_client held(port());
  keep_busy(held);
  waiting_client other(port());
  other.send("GET /quick?waits HTTP/1.1\r\nHost: x\r\n\r\nGET /quick?behind HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting_client gone(port());
  gone.send("GET /quick?unwanted HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting_client witness(port());
  EXPECT_EQ(witness.get("/nowhere").status, 404);
  released.open();
  EXPECT_EQ(other.receive().body, "/quick?waits");
  EXPECT_EQ(other.receive().body, "/quick?behind");
  EXPECT_EQ(held.receive().body, "/held?");
}

TEST_F(MonitorTest, WhatIsPipelinedBehindABusyHandlerIsKept) {
  waiting_client held(port());
  keep_busy(held, "GET /held?a HTTP/1.1\r\nHost: x\r\n\r\nGET /quick?b HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhe");
  held.send("re HTTP/1.1\r\nHost: x\r\n\r\n");
  released.open();
  EXPECT_EQ(held.receive().body, "/held?a");
  EXPECT_EQ(held.receive().body, "/quick?b");
  EXPECT_EQ(held.receive().status, 404);
}

// The request came in two pieces, so that it lies in its connection's memory.
TEST_F(MonitorTest, ADeadlineIsAnsweredWhileTheHandlerIsBusy) {
  waiting_client late(port());
  late.send("GET /late?first HTTP/1.1\r\nHost:");
  waiting_client other(port());
  EXPECT_EQ(other.get("/quick").status, 200);
  late.send(" x\r\n\r\nGET /quick?next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(late.receive().status, 504);
  EXPECT_EQ(late.receive().body, "/quick?next");
  EXPECT_NE(interrupted.load(), 0U);
}

TEST_F(MonitorTest, AHandlerThatNothingInterruptsIsToldOfOnce) {
  deaf = true;
  waiting_client late(port());
  EXPECT_EQ(late.get("/late").status, 504);
  // It would have to wait for a worker that may never come back: another connection may have another one.
  const reply refused = late.get("/quick?next");
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.head.find("\r\nretry-after: 1\r\n"), std::string::npos);
  EXPECT_NE(refused.head.find("\r\nconnection: close\r\n"), std::string::npos);
  back.pass();
  EXPECT_EQ(waiting_client(port()).get("/quick?after").body, "/quick?after");
  EXPECT_EQ(stuck.load(), 1);
  EXPECT_EQ(recovered.load(), 1);
}

TEST_F(MonitorTest, AClientThatLeavesDuringItsHandlerLeavesNothingBehind) {
  {
    waiting_client held(port());
    keep_busy(held);
  }
  waiting_client other(port());
  EXPECT_EQ(other.get("/nowhere").status, 404);
  released.open();
  EXPECT_EQ(other.get("/quick?on").body, "/quick?on");
}

TEST_F(MonitorTest, AStopDuringAHandlerWaitsForIt) {
  waiting_client held(port());
  keep_busy(held);
  waiting_client other(port());
  EXPECT_EQ(other.get("/nowhere").status, 404);
  tested->request_stop();
  EXPECT_EQ(other.receive().status, 0);  // idle: closed
  released.open();
  const reply last = held.receive();
  EXPECT_EQ(last.body, "/held?");
  EXPECT_NE(last.head.find("connection: close"), std::string::npos);
}

TEST_F(MonitorTest, AShardIsLentAgainAndAgain) {
  for (uint64_t round = 1; round <= 20; ++round) {
    released.close();
    waiting_client late(port());
    late.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(late.receive().status, 504);
    waiting_client other(port());
    EXPECT_EQ(other.get("/quick").status, 200);
  }
  EXPECT_GE(lent->times_lent(), 20U);
}

}  // namespace
}  // namespace fasterapi::server
