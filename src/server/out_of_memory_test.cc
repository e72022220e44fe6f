// What a shard does when memory runs out: each allocation on the way of requests fails once. The shard stays up, every
// client has its answers or sees its connection closed, and nothing leaks.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/failing_malloc.h"
#include "net/descriptor.h"
#include "schema/plan.h"
#include "server/shard.h"

namespace fasterapi::server {
namespace {

constexpr size_t clients_max = 14;

// What a client sends, in pieces of a turn each, and how many answers it is to have.
struct exchange_plan {
  std::array<std::string_view, 3> pieces;
  int answers = 1;
};

const std::string long_field(3000, 'f');
const std::string pieces_of_head = "GET /plain HTTP/1.1\r\nhost: x\r\nlong: " + long_field;
const std::string pipelined = [] {
  std::string all;
  for (int i = 0; i < 20; ++i) all += "GET /items/a%20b HTTP/1.1\r\nhost: x\r\n\r\n";
  return all;
}();
const std::string large_body =
    "POST /plain HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n" + std::string(100'000, 'b');
const std::string chunks = "POST /plain HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4e20\r\n" +
                           std::string(20'000, 'c') + "\r\n0\r\n\r\n";

const std::array<exchange_plan, clients_max> exchanges{{
    {{"GET /plain HTTP/1.1\r\nhost: x\r\n\r\n"}},
    {{pieces_of_head, long_field, "\r\n\r\n"}},
    {{pipelined, pipelined}, 40},
    {{large_body}},
    {{std::string_view(chunks).substr(0, 10'000), std::string_view(chunks).substr(10'000)}},
    {{"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n", "PUT /plain HTTP/1.1\r\nhost: x\r\n\r\n"}, 2},
    {{"GET /plain/ HTTP/1.1\r\nhost: x\r\n\r\n", "GET /%ff HTTP/1.1\r\nhost: x\r\n\r\n"}, 2},
    {{"GET /later HTTP/1.1\r\nhost: x\r\n\r\nGET /plain HTTP/1.1\r\nhost: x\r\n\r\n"}, 2},
    {{"GET /late HTTP/1.1\r\nhost: x\r\n\r\n"}},
    {{"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"}},
    {{"POST /checked?q=a%20b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[1, 2, "
      "3]"}},
    {{"POST /checked HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n[1, \"b\"] "}},
    {{"POST /checked?q=1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n[1,"}},
    {{"BAD\r\n\r\n"}},
}};

class OutOfMemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    // A run says on standard error what it lacks.
    said_.reset(::dup(STDERR_FILENO));
    const net::descriptor nowhere(::open("/dev/null", O_WRONLY));
    ::dup2(nowhere.get(), STDERR_FILENO);

    schema::type& number = plan_.add_type();
    number.kind = schema::type_kind::integer;
    schema::type& text = plan_.add_type();
    text.kind = schema::type_kind::string;
    schema::type& numbers = plan_.add_type();
    numbers.kind = schema::type_kind::list;
    numbers.item = &number;
    schema::parameter& q = plan_.add_parameter();
    q.alias = q.shown = "q";
    q.type = &text;
    schema::parameter& body = plan_.add_parameter();
    body.alias = body.shown = "body";
    body.from = schema::origin::body;
    body.type = &numbers;
    plan_.finish();
    for (std::string_view path : {"/plain", "/items/{id}", "/later", "/late", "/large", "/checked"}) {
      const auto index = static_cast<uint32_t>(app_.routes.size());
      const auto methods = app_.router.bit_of(http::method::get, {}) | app_.router.bit_of(http::method::post, {});
      ASSERT_TRUE(app_.router.add(methods, path, index).ok());
      app_.routes.push_back({});
      app_.routes.back().name = path;
    }
    app_.routes[3].timeout_ms = 1;
    app_.routes[5].plan = &plan_;
  }
  void TearDown() override { ::dup2(said_.get(), STDERR_FILENO); }

  struct peer {
    net::descriptor socket;
    std::string received;
    bool closed = false;
    size_t sent = 0;  // pieces

    int answers() const {
      int count = 0;
      for (size_t at = received.find("HTTP/1.1 "); at != std::string::npos; at = received.find("HTTP/1.1 ", at + 9))
        ++count;
      return count;
    }
  };

  void connect(peer& one) {
    one.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(one.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ASSERT_EQ(::connect(one.socket.get(), &tested_->local().base, tested_->local().size()), 0);
  }

  // Sends what it has not sent yet of its next piece, and takes what has come.
  static void play(peer& one, const exchange_plan& plan) {
    while (one.sent < plan.pieces.size() && plan.pieces[one.sent].empty()) ++one.sent;
    if (one.sent < plan.pieces.size()) {
      const std::string_view piece = plan.pieces[one.sent++];
      static_cast<void>(::send(one.socket.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    }
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::recv(one.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) {
        one.closed = one.closed || got == 0 || errno != EAGAIN;
        return;
      }
      one.received.append(buffer, static_cast<size_t>(got));
    }
  }

  // The shard's side of a turn: the only part in which memory runs out.
  void turn() {
    core::allocations_of_test.armed = true;
    tested_->wait(1);
    while (call* next = tested_->next_call()) handle(*next);
    while (call* gone = tested_->next_cancelled()) {
      if (gone == later_) later_ = nullptr;
      tested_->answer(*gone, {});
    }
    if (later_ != nullptr && ++turns_of_later_ == 3) answer(*std::exchange(later_, nullptr), "later");
    core::allocations_of_test.armed = false;
  }
  void handle(call& next) {
    if (next.matched.route == 2 || next.matched.route == 3) {
      if (!tested_->suspend(next, true)) return tested_->answer_internal_error(next, "out of memory");
      // One is answered by its handler, the other by the shard, at its deadline.
      if (next.matched.route == 2) later_ = &next;
      return;
    }
    answer(next, next.matched.route == 4 ? std::string_view(large_) : "ok");
  }
  void answer(call& ended, std::string_view body) {
    answer_view plain;
    plain.content_type = "text/plain";
    plain.body = body;
    tested_->answer(ended, plain);
  }

  // Every exchange at once, on a shard of its own, with the n-th allocation failing. False once there were fewer.
  bool run(uint64_t n) {
    core::malloc_plan& plan = core::allocations_of_test;
    config settings;
    settings.bounds.max_connections_per_address = 100;
    tested_ = shard::create(settings).take();
    auto listener = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 64);
    EXPECT_TRUE(tested_->serve(app_, listener.take()).ok());
    std::array<peer, clients_max> peers;
    for (peer& one : peers) connect(one);
    plan.made = 0;
    plan.until_fail = n;
    later_ = nullptr;
    turns_of_later_ = 0;
    const int64_t deadline = core::coarse_ms() + 20'000;
    for (bool done = false; !done;) {
      turn();
      done = true;
      for (size_t i = 0; i < clients_max; ++i) {
        play(peers[i], exchanges[i]);
        done = done && (peers[i].closed || peers[i].answers() >= exchanges[i].answers);
      }
      if (core::coarse_ms() > deadline) {
        ADD_FAILURE() << "somebody waits without end after allocation " << n << " failed";
        break;
      }
    }
    // The shard is well: whoever comes now is served.
    plan.until_fail = 0;
    const bool reached = plan.made >= n;
    peer next;
    connect(next);
    while (!next.closed && next.answers() == 0 && core::coarse_ms() < deadline) {
      turn();
      play(next, exchanges[0]);
    }
    EXPECT_TRUE(next.received.starts_with("HTTP/1.1 200 ")) << "after allocation " << n << " failed";
    if (later_ != nullptr) answer(*std::exchange(later_, nullptr), "later");
    tested_.reset();
    return reached;
  }

  schema::plan plan_;
  application app_;
  std::unique_ptr<shard> tested_;
  const std::string large_ = std::string(3 << 20, 'l');
  call* later_ = nullptr;
  int turns_of_later_ = 0;
  net::descriptor said_;
};

TEST_F(OutOfMemoryTest, NoAllocationThatFailsHurtsMoreThanItsConnection) {
  // The log's thread gives back what it had of a shard when it next has something to do: a few blocks come and go. What
  // leaks when some allocation fails, leaks every time.
  constexpr int sweeps = 8;
  int64_t after_first = 0;
  for (int sweep = 0; sweep < sweeps && !HasFailure(); ++sweep) {
    uint64_t n = 1;
    while (run(n) && !HasFailure()) ++n;
    EXPECT_GT(n, 30U);
    if (sweep == 0) after_first = core::blocks_in_use;
  }
  EXPECT_LT(core::blocks_in_use - after_first, sweeps - 1);
}

}  // namespace
}  // namespace fasterapi::server
