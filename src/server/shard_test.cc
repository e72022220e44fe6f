#include "server/shard.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "server/driven_shard.h"

namespace fasterapi::server {
namespace {

using ShardTest = DrivenShard;

TEST_F(ShardTest, AnswersARequest) {
  open();
  client one = connect();
  one.send(get_root);
  const std::string got = receive(one, 100);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\ndate: ")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nok")) << got;
  EXPECT_EQ(seen, std::vector<std::string>{"GET / "});
}

TEST_F(ShardTest, TakesARequestInSingleBytes) {
  open();
  client one = connect();
  const std::string request =
      "POST /items HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (char byte : request) {
    one.send({&byte, 1});
    tested->wait(1000);
    while (call* next = tested->next_call()) handle(*next);
  }
  run_until([&] { return !seen.empty(); });
  EXPECT_EQ(seen, std::vector<std::string>{"POST /items abcde"});
}

TEST_F(ShardTest, AnswersPipelinedRequestsInOrder) {
  open();
  client one = connect();
  one.send(std::string(get_root) + "GET /items/a%20b HTTP/1.1\r\nhost: x\r\n\r\n" +
           "POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabcGET /nowhere HTTP/1.1\r\nhost: x\r\n" +
           "connection: close\r\n\r\n");
  const std::string got = receive_all(one);
  EXPECT_EQ(seen, (std::vector<std::string>{"GET / ", "GET /items/a b ", "POST /items abc"}));
  EXPECT_NE(got.find("HTTP/1.1 404 Not Found"), std::string::npos);
  EXPECT_NE(got.find("connection: close"), std::string::npos);
}

TEST_F(ShardTest, ASuspendedCallHoldsBackWhatFollowsOnItsConnectionOnly) {
  open();
  suspends = true;
  client one = connect();
  one.send(std::string(get_root) + std::string(get_root));
  run_until([&] { return waiting.size() == 1; });
  client two = connect();
  two.send(get_root);
  run_until([&] { return waiting.size() == 2; });
  EXPECT_EQ(waiting[0]->head.view(waiting[0]->head.authority), "x");
  answer(*waiting[0]);
  run_until([&] { return waiting.size() == 3; });
  answer(*waiting[2]);
  EXPECT_GT(receive(one, 200).size(), 200U);
}

TEST_F(ShardTest, AClientThatResetsCancelsItsCall) {
  open();
  suspends = true;
  client one = connect();
  one.send(get_root);
  run_until([&] { return waiting.size() == 1; });
  one.reset();
  run_until([&] { return cancelled == 1; });
}

TEST_F(ShardTest, AHalfClosedClientIsProbedAndAnswered) {
  open();
  suspends = true;
  client one = connect();
  one.send(get_root);
  one.finish_sending();
  run_until([&] { return waiting.size() == 1; });
  EXPECT_EQ(receive(one, 27), "HTTP/1.1 102 Processing\r\n\r\n");
  answer(*waiting[0]);
  EXPECT_TRUE(receive_all(one).starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(cancelled, 0);
}

TEST_F(ShardTest, RefusesWithoutRunningAnything) {
  open();
  const auto answer_to = [this](std::string_view request) {
    client one = connect();
    one.send(request);
    return receive(one, 40).substr(0, 12);
  };
  EXPECT_EQ(answer_to("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n"), "HTTP/1.1 404");
  EXPECT_EQ(answer_to("PUT /items HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n"), "HTTP/1.1 405");
  EXPECT_EQ(answer_to("GET /%ff HTTP/1.1\r\nhost: x\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(answer_to("GET / HTTP/1.1\nhost: x\n\n"), "HTTP/1.1 400");
  EXPECT_EQ(answer_to("GET /slashed HTTP/1.1\r\nhost: x\r\n\r\n"), "HTTP/1.1 307");
  EXPECT_EQ(answer_to("POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"), "HTTP/1.1 413");
  EXPECT_TRUE(seen.empty());
}

TEST_F(ShardTest, ARefusedBodyIsNotTakenForTheNextRequest) {
  open();
  client one = connect();
  one.send("POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n" + std::string(get_root));
  const std::string got = receive_all(one);
  EXPECT_NE(got.find("404"), std::string::npos);
  EXPECT_EQ(got.find("200 OK"), std::string::npos);
  EXPECT_TRUE(seen.empty());
}

TEST_F(ShardTest, BoundsChunkedBodies) {
  settings.bounds.body_max_bytes = 10;
  open();
  client one = connect();
  one.send(
      "POST /items HTTP/1.1\r\nhost: x\r\ntransfer-encoding: "
      "chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n");
  EXPECT_TRUE(receive_all(one).starts_with("HTTP/1.1 413"));
}

TEST_F(ShardTest, ASlowReaderGetsEverything) {
  open();
  reply = std::string(8 << 20, 'r');
  client one = connect();
  one.send(std::string(get_root) + std::string(get_root));
  EXPECT_GE(receive(one, size_t{2} * (8 << 20)).size(), size_t{2} * (8 << 20));
}

TEST_F(ShardTest, TimesOutHeadsAndIdleConnections) {
  settings.bounds.header_timeout_ms = 200;
  settings.bounds.keep_alive_timeout_ms = 200;
  open();
  client slow = connect();
  slow.send("GET / HT");
  client idle = connect();
  EXPECT_TRUE(receive_all(slow).starts_with("HTTP/1.1 408"));
  EXPECT_EQ(receive_all(idle), "");
}

TEST_F(ShardTest, TurnsConnectionsAwayPastItsBound) {
  settings.bounds.max_connections = 2;
  open();
  client one = connect();
  client two = connect();
  one.send(get_root);
  two.send(get_root);
  receive(one, 40);
  receive(two, 40);
  client three = connect();
  EXPECT_TRUE(receive_all(three).starts_with("HTTP/1.1 503"));
}

TEST_F(ShardTest, StopsWhenEverythingIsAnswered) {
  open();
  suspends = true;
  client idle = connect();
  client busy = connect();
  busy.send(get_root);
  run_until([&] { return waiting.size() == 1; });
  std::thread([this] { tested->request_stop(); }).join();
  run_until([&] { return idle.closed(); });
  EXPECT_FALSE(tested->drained());
  answer(*waiting[0]);
  EXPECT_NE(receive_all(busy).find("connection: close"), std::string::npos);
  run_until([&] { return tested->drained(); });
}

TEST_F(ShardTest, AStopAnswersWhoeverWasConnected) {
  open();
  client idle = connect();
  idle.send(get_root);
  receive(idle, 40);
  client waiting_to_be_accepted = connect();
  tested->request_stop();
  run_until([&] { return tested->stopping(); });
  idle.send(get_root);
  EXPECT_NE(receive_all(idle).find("connection: close"), std::string::npos);
  waiting_to_be_accepted.send(get_root);
  EXPECT_NE(receive_all(waiting_to_be_accepted).find("connection: close"), std::string::npos);
  run_until([&] { return tested->drained(); });
}

TEST_F(ShardTest, ADrainLeavesTheListenerToOthers) {
  open_shared();
  client idle = connect();
  client used = connect();
  used.send(get_root);
  receive(used, 40);
  run_until([&] { return tested->counts().connections_accepted.value() == 2; });
  tested->request_drain();
  run_until([&] { return tested->stopping(); });
  const client left(tested_address);
  used.send(get_root);
  EXPECT_NE(receive_all(used).find("connection: close"), std::string::npos);
  idle.send(get_root);
  EXPECT_NE(receive_all(idle).find("connection: close"), std::string::npos);
  used.finish_sending();
  idle.finish_sending();
  run_until([&] { return tested->drained(); });
  EXPECT_EQ(tested->counts().connections_accepted.value(), 2U);
  EXPECT_TRUE(net::descriptor(::accept(shared.socket.get(), nullptr, nullptr)).valid());
}

TEST_F(ShardTest, AStopEndsADrain) {
  open_shared();
  client idle = connect();
  run_until([&] { return tested->counts().connections_accepted.value() == 1; });
  tested->request_drain();
  run_until([&] { return tested->stopping(); });
  tested->request_stop();
  run_until([&] { return tested->drained(); });
  EXPECT_TRUE(idle.closed());
}

TEST_F(ShardTest, AcceptsFromAnotherListenerUntilThatIsRemoved) {
  open();
  auto other = net::listener::open(net::address::resolve("127.0.0.1", 0).value(), 16);
  ASSERT_TRUE(other.ok());
  const net::address there = other.value().local;
  tested->add_listener(7, net::listener::adopt(other.value().socket.get(), 16).take());
  client one(there);
  one.send(get_root);
  EXPECT_TRUE(receive(one, 40).starts_with("HTTP/1.1 200"));
  tested->remove_listener(7);
  client own = connect();
  own.send(get_root);
  receive(own, 40);
  const client two(there);
  run_until([&] { return tested->counts().connections_accepted.value() == 2; });
  EXPECT_TRUE(net::descriptor(::accept(other.value().socket.get(), nullptr, nullptr)).valid());
}

TEST_F(ShardTest, AnIdleConnectionIsClosedWithoutAReset) {
  settings.bounds.keep_alive_timeout_ms = 200;
  open();
  client idle = connect();
  idle.send(get_root);
  receive(idle, 40);
  run_until([&] { return idle.closed(); });
  // Sent by a client that has not noticed yet.
  idle.send(get_root);
  run_until([&] { return idle.closed(); });
  EXPECT_FALSE(idle.was_reset());
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(ShardTest, OnlyAllowedHostsAreServed) {
  settings.allowed_hosts = {"example.com", "*.example.org"};
  open();
  const auto status_for = [this](std::string_view host) {
    client one = connect();
    one.send("GET / HTTP/1.1\r\nhost: " + std::string(host) + "\r\n\r\n");
    return receive(one, 12).substr(9, 3);
  };
  EXPECT_EQ(status_for("Example.com:8000"), "200");
  EXPECT_EQ(status_for("a.b.example.org"), "200");
  EXPECT_EQ(status_for("example.org"), "421");
  EXPECT_EQ(status_for("evilexample.org"), "421");
}

TEST_F(ShardTest, NamesRequestsInAnswersWhereThatIsWanted) {
  settings.send_request_id = true;
  open();
  const auto id_for = [this](const std::string& field) {
    client one = connect();
    one.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + field + "\r\n");
    const std::string answer = receive_all(one);
    const std::string name = "x-request-id: ";
    const size_t at = answer.find(name);
    return at == std::string::npos ? "none" : answer.substr(at + name.size(), answer.find('\r', at) - at - name.size());
  };
  EXPECT_EQ(id_for("X-Request-ID: mine\r\n"), "mine");
  const std::string made = id_for("X-Request-ID: not mine\r\n");
  EXPECT_EQ(made.size(), 16U);
  EXPECT_NE(id_for(""), made);
}

}  // namespace
}  // namespace fasterapi::server
