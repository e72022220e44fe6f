// The hot path does not call malloc once it is warm: counted, not believed.

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "core/clock.h"
#include "core/counted_malloc.h"
#include "net/descriptor.h"
#include "server/shard.h"

namespace fasterapi::server {
namespace {

class AllocationTest : public testing::Test {
 protected:
  void SetUp() override {
    for (std::string_view path : {"/plain", "/items/{id}"}) {
      const auto index = static_cast<uint32_t>(app.routes.size());
      ASSERT_TRUE(
          app.router
              .add(app.router.bit_of(http::method::get, {}) | app.router.bit_of(http::method::post, {}), path, index)
              .ok());
      app.routes.push_back({});
    }
    tested = shard::create(config()).take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
    ASSERT_TRUE(tested->serve(app, listener.take()).ok());
    client.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Pieces leave at once, without waiting for the acknowledgement of the one before.
    const int on = 1;
    ASSERT_EQ(setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    ASSERT_EQ(::connect(client.get(), &tested->local().base, tested->local().size()), 0);
  }

  void turn(int64_t patience_ms) {
    tested->wait(patience_ms);
    while (call* next = tested->next_call()) {
      answer_view answer;
      answer.content_type = "text/plain";
      answer.body = "ok";
      tested->answer(*next, answer);
    }
  }

  // Sends the pieces of one request, in a turn of the shard each, and takes the answer; gives up after ten seconds.
  void exchange(std::initializer_list<std::string_view> pieces) {
    for (std::string_view piece : pieces) {
      ASSERT_EQ(::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL), static_cast<ssize_t>(piece.size()));
      turn(10);
    }
    char received[4096];
    const int64_t deadline = core::coarse_ms() + 10'000;
    while (::recv(client.get(), received, sizeof received, MSG_DONTWAIT) <= 0) {
      ASSERT_LT(core::coarse_ms(), deadline);
      turn(10);
    }
  }

  uint64_t allocations_of_a_thousand(std::initializer_list<std::string_view> pieces) {
    for (int i = 0; i < 10; ++i) exchange(pieces);
    const uint64_t before = core::allocations;
    for (int i = 0; i < 1000; ++i) exchange(pieces);
    return core::allocations - before;
  }

  application app;
  std::unique_ptr<shard> tested;
  net::descriptor client;
};

TEST_F(AllocationTest, WholeRequests) {
  EXPECT_EQ(allocations_of_a_thousand({"GET /plain HTTP/1.1\r\nhost: x\r\n\r\n"}), 0U);
}

TEST_F(AllocationTest, PathParameters) {
  EXPECT_EQ(allocations_of_a_thousand({"GET /items/a%20b?q=1 HTTP/1.1\r\nhost: x\r\n\r\n"}), 0U);
}

TEST_F(AllocationTest, RequestsInPieces) {
  EXPECT_EQ(
      allocations_of_a_thousand({"POST /plain HTTP/1.1\r\nhost: x\r\ncontent-len", "gth: 10\r\n\r\n01234", "56789"}),
      0U);
}

TEST_F(AllocationTest, ChunkedBodies) {
  EXPECT_EQ(allocations_of_a_thousand(
                {"POST /plain HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01", "234\r\n0\r\n\r\n"}),
            0U);
}

TEST_F(AllocationTest, RefusedRequests) {
  EXPECT_EQ(allocations_of_a_thousand({"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"}), 0U);
}

}  // namespace
}  // namespace fasterapi::server
