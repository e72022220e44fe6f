#include "shared/channel.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "shared/bell.h"

namespace fasterapi::shared {
namespace {

// A channel in a region of its own.
class a_channel {
 public:
  explicit a_channel(channel_options options)
      : region_(region::create(size_t{2} << 20).take()), channel_(make(options)) {}

  uint64_t publish(std::string_view message) {
    uint64_t subscribers = 0;
    EXPECT_EQ(channel_.publish(region_, message, subscribers, waiting_), channel::outcome::done);
    return subscribers;
  }
  channel::position subscribe() { return channel_.subscribe(region_, waiting_); }
  void unsubscribe(const channel::position& from) { channel_.unsubscribe(region_, from); }
  std::vector<std::string> read_all(channel::position& from) {
    std::vector<std::string> messages;
    core::byte_buffer out;
    for (; channel_.read(region_, from, out, waiting_); out.clear()) messages.emplace_back(out.view());
    return messages;
  }

  channel& operator*() { return channel_; }
  region& where() { return region_; }
  plain_patience waiting_;

 private:
  channel& make(channel_options options) {
    plain_patience waiting;
    domain_holder held(region_, region_.header().directory, waiting);
    void* place = region_.base() + held.allocate(channel::bytes(options) + 64) / 64 * 64 + 64;
    held.commit();
    return *new (place) channel(options);
  }

  region region_;
  channel& channel_;
};

using messages = std::vector<std::string>;

TEST(Channel, TellsEverySubscriberWhatCameSince) {
  a_channel c({8, 1000});
  EXPECT_EQ(c.publish("before"), 0U);
  channel::position first = c.subscribe();
  EXPECT_EQ(c.publish("one"), 1U);
  channel::position second = c.subscribe();
  EXPECT_EQ(c.publish("two"), 2U);
  EXPECT_EQ(c.read_all(first), (messages{"one", "two"}));
  EXPECT_EQ(c.read_all(second), (messages{"two"}));
  EXPECT_EQ(c.read_all(first), messages{});
  c.unsubscribe(first);
  EXPECT_EQ(c.publish("three"), 1U);
  EXPECT_EQ(first.missed + second.missed, 0U);
}

TEST(Channel, LetsTheSlowMissTheOldest) {
  a_channel c({3, 100});
  channel::position slow = c.subscribe();
  for (const char* text : {"1", "2", "3", "4", "5"}) c.publish(text);
  EXPECT_EQ(c.read_all(slow), (messages{"3", "4", "5"}));
  EXPECT_EQ(slow.missed, 2U);
  c.publish(std::string(60, 'x'));
  c.publish(std::string(60, 'y'));
  EXPECT_EQ(c.read_all(slow), messages{std::string(60, 'y')});
  EXPECT_EQ(slow.missed, 3U);
  uint64_t subscribers = 0;
  EXPECT_EQ((*c).publish(c.where(), std::string(101, 'x'), subscribers, c.waiting_), channel::outcome::too_large);
}

TEST(Channel, MakesRoomWhereTheRegionIsFull) {
  a_channel c({1000, size_t{1} << 30});
  channel::position slow = c.subscribe();
  for (int i = 0; i < 100; ++i) c.publish(std::string(100'000, 'x'));
  EXPECT_GT(c.read_all(slow).size(), 3U);
  EXPECT_GT(slow.missed, 50U);
}

TEST(Channel, ForgetsSubscribersThatDied) {
  a_channel c({8, 1000});
  const pid_t child = fork();
  if (child == 0) {
    c.subscribe();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(c.publish("to nobody"), 0U);
}

TEST(Bell, RingsForWhatItWasHungOn) {
  a_channel c({8, 1000});
  core::result<bell> made = bell::create(c.where());
  ASSERT_TRUE(made.ok());
  bell listening = made.take();
  const auto rings = [&] {
    std::vector<uint64_t> where;
    pollfd ready = {listening.descriptor(), POLLIN, 0};
    if (poll(&ready, 1, 0) == 1) listening.answer([&](uint64_t place) { where.push_back(place); });
    return where;
  };
  c.publish("unheard");
  EXPECT_TRUE(rings().empty());
  (*c).message_came().hang(listening.index());
  c.publish("heard");
  c.publish("heard once");
  EXPECT_EQ(rings(), std::vector<uint64_t>{c.where().offset_of(&(*c).message_came())});
}

TEST(Bell, KnowsWhenItWasRungMoreOftenThanItCanTell) {
  a_channel c({8, 1000});
  bell listening = bell::create(c.where()).take();
  for (uint64_t i = 1; i < 10'000; ++i) ring(c.where(), listening.index(), i);
  bool is_anywhere = false;
  listening.answer([&](uint64_t place) { is_anywhere = is_anywhere || place == bell::anywhere; });
  EXPECT_TRUE(is_anywhere);
}

TEST(Bell, IsTakenFromTheDead) {
  const region where = region::create(size_t{1} << 20).take();
  const pid_t child = fork();
  if (child == 0) {
    for (size_t i = 0; i < max_bells; ++i) new bell(bell::create(where).take());
    _exit(bell::create(where).ok() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ring(where, 3, 1);  // nobody is there
  const core::result<bell> made = bell::create(where);
  EXPECT_TRUE(made.ok());
}

}  // namespace
}  // namespace fasterapi::shared
