#include "server/limits.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "server/driven_shard.h"

namespace fasterapi::server {
namespace {

class LimitsTest : public DrivenShard {
 protected:
  std::string status_of(client& from) {
    const std::string got = receive(from, 40);
    return got.size() < 12 ? got : got.substr(9, 3);
  }
  // Opens a shard and has a handler wait there; its client.
  client open_with_one_in_flight() {
    suspends = true;
    open();
    client one = connect();
    one.send(get_root);
    wait_for(1);
    return one;
  }
  // Until that many handlers wait to be answered.
  void wait_for(size_t handlers) {
    run_until([&] { return waiting.size() == handlers; });
  }
};

TEST_F(LimitsTest, RefusesRequestsPastThoseInFlightAndKeepsTheirConnection) {
  settings.bounds.max_in_flight = 2;
  const client one = open_with_one_in_flight();
  client two = connect();
  client three = connect();
  two.send(get_root);
  wait_for(2);
  three.send(get_root);
  const std::string refused = receive(three, 100);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("\r\nretry-after: 1\r\n"), std::string::npos) << refused;
  EXPECT_EQ(refused.find("connection: close"), std::string::npos) << refused;
  EXPECT_EQ(seen.size(), 2U);

  answer(*waiting[0]);
  three.send(get_root);
  wait_for(3);
  answer(*waiting[2]);
  EXPECT_EQ(status_of(three), "200");
  EXPECT_EQ(tested->counts().requests_refused.value(), 1U);
}

TEST_F(LimitsTest, AHandlerCountsUntilItEndsThoughItsClientIsGone) {
  settings.bounds.max_in_flight = 1;
  ends_cancelled = false;
  client gone = open_with_one_in_flight();
  gone.reset();
  run_until([&] { return cancelled == 1; });
  client next = connect();
  next.send(get_root);
  EXPECT_EQ(status_of(next), "503");
  tested->answer(*waiting[0], {});
  next.send(get_root);
  wait_for(2);
}

TEST_F(LimitsTest, RefusedRequestsHaveTheirBodiesRead) {
  settings.bounds.max_in_flight = 1;
  const client one = open_with_one_in_flight();
  client two = connect();
  two.send(
      "POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\nGET /nowhere "
      "HTTP/1.1\r\nhost: x\r\n\r\n");
  const std::string got = receive(two, 330);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 503 ")) << got;
  EXPECT_NE(got.find("HTTP/1.1 404 "), std::string::npos) << got;
}

TEST_F(LimitsTest, SomeRoutesAreAlwaysAdmitted) {
  settings.bounds.max_in_flight = 1;
  app.routes[0].always_admit = true;
  suspends = true;
  open();
  client one = connect();
  one.send("GET /items/1 HTTP/1.1\r\nhost: x\r\n\r\n");
  wait_for(1);
  client health = connect();
  health.send(get_root);
  wait_for(2);
  answer(*waiting[1]);
  EXPECT_EQ(status_of(health), "200");
  client other = connect();
  other.send("GET /items/2 HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(status_of(other), "503");
}

TEST_F(LimitsTest, TheShardsOfAProcessShareABound) {
  settings.bounds.max_in_flight_total = 1;
  const client one = open_with_one_in_flight();
  std::unique_ptr<shard> first = std::move(tested);
  open();
  client two = connect();
  two.send(get_root);
  EXPECT_EQ(status_of(two), "503");
  answer_view plain;
  first->answer(*waiting[0], plain);
  two.send(get_root);
  wait_for(2);
  first.reset();
}

TEST_F(LimitsTest, AShardThatEndsGivesBackWhatItCounted) {
  settings.bounds.max_in_flight_total = 1;
  const client one = open_with_one_in_flight();
  tested.reset();
  open();
  client two = connect();
  two.send(get_root);
  wait_for(2);
}

TEST_F(LimitsTest, TheLastRequestOfAConnectionIsToldSo) {
  settings.bounds.max_requests_per_connection = 3;
  open();
  client one = connect();
  one.send(std::string(get_root) + "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n" + std::string(get_root) +
           std::string(get_root));
  const std::string got = receive_all(one);
  const size_t second = got.find("HTTP/1.1 404");
  const size_t third = got.find("HTTP/1.1 200", second);
  ASSERT_NE(third, std::string::npos) << got;
  EXPECT_GT(got.find("connection: close"), third) << got;
  EXPECT_EQ(got.find("HTTP/1.1", third + 1), std::string::npos) << got;
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(LimitsTest, APipelineLeavesOthersTheirTurn) {
  settings.bounds.max_pipelined = 5;
  open();
  client many = connect();
  client one = connect();
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += get_root;
  many.send(requests);
  one.send("GET /items/1 HTTP/1.1\r\nhost: x\r\n\r\n");
  run_until([&] { return seen.size() == 201; });
  size_t place = 0;
  while (seen[place] != "GET /items/1 ") ++place;
  EXPECT_LE(place, 10U);
}

TEST_F(LimitsTest, APipelineIsAnsweredWholeAndInOrder) {
  settings.bounds.max_pipelined = 3;
  open();
  client many = connect();
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /items/" + std::to_string(i) + " HTTP/1.1\r\nhost: x\r\n\r\n";
  requests += "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
  many.send(requests);
  EXPECT_NE(receive_all(many).find("HTTP/1.1 404"), std::string::npos);
  ASSERT_EQ(seen.size(), 100U);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(seen[i], "GET /items/" + std::to_string(i) + " ");
}

TEST_F(LimitsTest, ABodyThatComesFastLeavesOthersTheirTurn) {
  // Each turn reads no more than its share; what is left is read in the next ones, without an event to announce it.
  settings.bounds.body_max_bytes = 8 << 20;
  open();
  client large = connect();
  std::string request =
      "POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 6000000\r\n\r\n" + std::string(6'000'000, 'b');
  size_t sent = 0;
  run_until([&] {
    const ssize_t taken = ::send(large.fd(), request.data() + sent, request.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken > 0) sent += static_cast<size_t>(taken);
    return !seen.empty();
  });
  EXPECT_EQ(seen[0].size(), 6'000'000U + std::string_view("POST /items ").size());
}

TEST_F(LimitsTest, OneAddressHasOnlySoManyConnections) {
  settings.bounds.max_connections_per_address = 2;
  open();
  std::optional<client> one(connect());
  client two = connect();
  one->send(get_root);
  two.send(get_root);
  EXPECT_EQ(status_of(*one), "200");
  EXPECT_EQ(status_of(two), "200");
  client three = connect();
  EXPECT_EQ(status_of(three), "503");
  run_until([&] { return three.closed(); });
  one.reset();
  run_until([&] {
    client next = connect();
    next.send(get_root);
    return status_of(next) == "200";
  });
}

TEST_F(LimitsTest, AClientThatWasTurnedAwayCanReadSoThoughItHasSentItsRequest) {
  settings.bounds.max_connections = 1;
  open();
  client one = connect();
  one.send(get_root);
  EXPECT_EQ(status_of(one), "200");
  std::vector<client> others;
  for (int i = 0; i < 12; ++i) {
    others.push_back(connect());
    others.back().send("POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 40000\r\n\r\n" + std::string(40'000, 'b'));
  }
  for (client& other : others) EXPECT_EQ(status_of(other), "503");
  EXPECT_EQ(tested->counts().connections_refused.value(), 12U);
}

TEST_F(LimitsTest, TheyAreToldInAnyNumber) {
  settings.bounds.max_connections = 1;
  open();
  client one = connect();
  one.send(get_root);
  EXPECT_EQ(status_of(one), "200");
  std::vector<client> others;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 15; ++i) others.push_back(connect());
    tested->wait(10);
    while (call* next = tested->next_call()) handle(*next);
  }
  for (client& other : others) EXPECT_EQ(status_of(other), "503");
}

TEST_F(LimitsTest, AReaderThatTakesNothingIsDroppedThoughItSends) {
  settings.bounds.write_stall_timeout_ms = 400;
  reply = std::string(16 << 20, 'r');
  open();
  client stalled = connect();
  stalled.make_room(4096);
  stalled.send(get_root);
  run_until([&] { return seen.size() == 1; });
  // What it sends must not put the deadline off.
  int64_t next_ms = 0;
  run_until([&] {
    if (core::coarse_ms() >= next_ms) {
      next_ms = core::coarse_ms() + 50;
      static_cast<void>(::send(stalled.fd(), "G", 1, MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    return tested->open_connections() == 0;
  });
}

TEST_F(LimitsTest, AReaderThatTakesLittleIsLeftAlone) {
  settings.bounds.write_stall_timeout_ms = 600;
  reply = std::string(16 << 20, 'r');
  open();
  client slow = connect();
  slow.make_room(65536);
  slow.send(get_root);
  // Several times the deadline: the socket's buffer empties all the while, but seldom enough for an event.
  size_t got = 0;
  char bite[8192];
  const int64_t until = core::coarse_ms() + 2'000;
  int64_t next_ms = 0;
  run_until([&] {
    if (core::coarse_ms() >= next_ms) {
      next_ms = core::coarse_ms() + 20;
      const ssize_t taken = ::recv(slow.fd(), bite, sizeof bite, MSG_DONTWAIT);
      if (taken > 0) got += static_cast<size_t>(taken);
    }
    return core::coarse_ms() >= until;
  });
  EXPECT_GT(got, 0U);
  EXPECT_EQ(tested->open_connections(), 1U);
}

TEST_F(LimitsTest, ABodyHasItsGraceAndThenItsRate) {
  settings.bounds.body_grace_ms = 300;
  settings.bounds.body_min_rate_bytes_s = 1000;
  open();
  client slow = connect();
  slow.send("POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc");
  EXPECT_TRUE(receive_all(slow).starts_with("HTTP/1.1 408"));
}

class DescriptorsTest : public LimitsTest {
 protected:
  void SetUp() override {
    LimitsTest::SetUp();
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  void TearDown() override { allow(before_.rlim_cur); }
  void allow(rlim_t descriptors) {
    const rlimit changed{descriptors, before_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &changed), 0);
  }
  // The lowest descriptor that is free.
  static rlim_t lowest_free() {
    const net::descriptor probe(::dup(0));
    return static_cast<rlim_t>(probe.get());
  }
  // Turns that the shard makes while nothing but the listener's queue asks for them.
  int turns_within(int64_t span_ms) {
    int turns = 0;
    for (const int64_t until = core::coarse_ms() + span_ms; core::coarse_ms() < until; ++turns) {
      tested->wait(20);
      while (call* next = tested->next_call()) handle(*next);
    }
    return turns;
  }

  rlimit before_{};
};

TEST_F(DescriptorsTest, ClientsAreToldAndServedOnceThereAreSome) {
  open();
  std::vector<client> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(connect());
  allow(lowest_free());
  for (client& each : clients) each.send(get_root);
  for (client& each : clients) EXPECT_EQ(status_of(each), "503");
  EXPECT_LT(turns_within(90), 50);
  allow(before_.rlim_cur);
  client next = connect();
  next.send(get_root);
  EXPECT_EQ(status_of(next), "200");
}

TEST_F(DescriptorsTest, WithoutItsReserveTheShardWaitsAndDoesNotSpin) {
  open();
  client patient = connect();
  patient.send(get_root);
  // Below the descriptors that are open, so that not even the reserve's can be had again.
  allow(3);
  EXPECT_LT(turns_within(300), 100);
  EXPECT_TRUE(seen.empty());
  allow(before_.rlim_cur);
  EXPECT_EQ(status_of(patient), "200");
}

}  // namespace
}  // namespace fasterapi::server
