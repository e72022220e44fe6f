// What a server does while the system has no threads to give.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/failing_threads.h"
#include "fasterapi/server/server.h"
#include "server/lifeline.h"
#include "server/monitor.h"
#include "server/shard.h"
#include "server/waiting_client.h"

namespace fasterapi::server {
namespace {

using core::thread_shortage;

TEST(ThreadShortage, AServerStartsWithAllItsThreadsOrNot) {
  const auto try_to_start = [](int threads) {
    server_config settings;
    settings.port = 0;
    settings.num_pinned_workers = 3;
    auto made = server::create(settings).take();
    made->get("/", [](const request&) { return response::empty(); });
    const thread_shortage few(threads);
    auto started = made->start();
    if (started.ok()) {
      EXPECT_EQ(waiting_client(made->port()).get("/").status, 204);
    }
    return started;
  };
  // One thread more writes the log; without it that is tried again with each line.
  for (int threads = 0; threads < 3; ++threads) {
    const auto started = try_to_start(threads);
    ASSERT_FALSE(started.ok()) << threads;
    EXPECT_NE(started.failure().message.find("the thread worker-"), std::string::npos) << started.failure().message;
  }
  EXPECT_TRUE(try_to_start(4).ok());
}

TEST(ThreadShortage, WithoutALifelineThereIsAnError) {
  const thread_shortage none;
  EXPECT_FALSE(end_with_other_side(0, 1).ok());
}

TEST(ThreadShortage, WithoutAMonitorThereIsAnError) {
  for (int threads = 0; threads < 2; ++threads) {
    const thread_shortage few(threads);
    EXPECT_FALSE(monitor::create().ok()) << threads;
  }
  EXPECT_FALSE([] {
    const thread_shortage none;
    return monitor::of_this_process().ok();
  }());
  EXPECT_TRUE(monitor::of_this_process().ok());
}

// A worker whose only handler is held until it is let go; it is interrupted in vain `deaf` times.
class held_worker {
 public:
  explicit held_worker(monitor& watching) : watching_(watching) {
    const http::method_set bit = app_.router.bit_of(http::method::get, {});
    EXPECT_TRUE(app_.router.add(bit, "/held", 0).ok());
    app_.routes.push_back({});
    app_.routes.back().timeout_ms = 50;
    shard_ = shard::create({}).take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
    EXPECT_TRUE(shard_->serve(app_, listener.take()).ok());
    const auto interrupt = [this](uint64_t) {
      if (--deaf >= 0) return false;
      let_go();
      return true;
    };
    lease_ = std::make_unique<lease>(*shard_, lease::hooks{interrupt, [] {}, [] {}});
    thread_ = std::thread([this] { serve(); });
  }
  ~held_worker() {
    let_go();
    shard_->request_stop();
    thread_.join();
  }
  held_worker(const held_worker&) = delete;
  held_worker& operator=(const held_worker&) = delete;

  uint16_t port() const { return shard_->local().port(); }
  const lease& hold() const { return *lease_; }
  void await_busy() { is_busy_.wait(false); }
  void let_go() {
    may_end_ = true;
    may_end_.notify_all();
  }

  std::atomic<int> deaf = 0;

 private:
  void serve() {
    watching_.watch(*lease_);
    while (!shard_->drained()) {
      shard_->wait(-1);
      while (call* next = shard_->next_call()) {
        lease_->leave(next);
        is_busy_ = true;
        is_busy_.notify_all();
        may_end_.wait(false);
        static_cast<void>(lease_->enter());
        answer_view plain;
        plain.body = "held";
        shard_->answer(*next, plain);
      }
    }
    watching_.unwatch(*lease_);
  }

  monitor& watching_;
  application app_;
  std::unique_ptr<shard> shard_;
  std::unique_ptr<lease> lease_;
  std::atomic<bool> is_busy_ = false;
  std::atomic<bool> may_end_ = false;
  std::thread thread_;
};

TEST(ThreadShortage, AShardWithoutADriverWaitsForOne) {
  auto watching = monitor::create().take();
  held_worker first(*watching);
  held_worker second(*watching);
  first.deaf = second.deaf = 1'000'000;
  waiting_client one(first.port());
  waiting_client two(second.port());
  waiting_client other(second.port());
  testing::internal::CaptureStderr();
  auto shortage = std::make_unique<thread_shortage>();
  one.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  first.await_busy();
  // The monitor's own spare thread drives this one.
  EXPECT_EQ(one.receive().status, 504);
  const int refused = core::threads_refused;
  two.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  second.await_busy();
  other.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  while (core::threads_refused < refused + 600) std::this_thread::yield();  // for longer than a monitor stays awake
  EXPECT_EQ(second.hold().times_lent(), 0U);
  shortage.reset();
  EXPECT_EQ(two.receive().status, 504);
  EXPECT_EQ(other.receive().status, 404);
  EXPECT_EQ(second.hold().times_lent(), 1U);
  const std::string log = testing::internal::GetCapturedStderr();
  const size_t told = log.find("no thread can be started");
  ASSERT_NE(told, std::string::npos) << log;
  EXPECT_EQ(log.find("no thread can be started", told + 1), std::string::npos) << "once is enough: " << log;
}

TEST(ThreadShortage, AWorkerThatComesBackMeanwhileGoesOn) {
  auto watching = monitor::create().take();
  held_worker first(*watching);
  held_worker second(*watching);
  first.deaf = 1'000'000;
  waiting_client one(first.port());
  waiting_client two(second.port());
  const thread_shortage none;
  one.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(one.receive().status, 504);
  const int refused = core::threads_refused;
  two.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
  while (core::threads_refused < refused + 3) std::this_thread::yield();
  second.let_go();
  EXPECT_EQ(two.receive().body, "held");
  EXPECT_EQ(two.get("/nowhere").status, 404);
  EXPECT_EQ(second.hold().times_lent(), 0U);
}

TEST(ThreadShortage, AnInterruptionThatFailedIsTriedAgain) {
  auto watching = monitor::create().take();
  held_worker tested(*watching);
  tested.deaf = 3;
  waiting_client late(tested.port());
  EXPECT_EQ(late.get("/held").status, 504);
  EXPECT_EQ(late.get("/nowhere").status, 404);
  while (tested.deaf >= 0) std::this_thread::yield();
  EXPECT_EQ(late.get("/nowhere").status, 404);
}

}  // namespace
}  // namespace fasterapi::server
