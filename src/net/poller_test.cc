#include "net/poller.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace fasterapi::net {
namespace {

TEST(Poller, ReportsReadiness) {
  auto made = poller::create();
  ASSERT_TRUE(made.ok());
  poller& poll = made.value();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  descriptor reader(ends[0]), writer(ends[1]);
  ASSERT_TRUE(poll.add(reader.get(), EPOLLIN, 42));
  EXPECT_TRUE(poll.wait(0).empty());
  ASSERT_EQ(write(writer.get(), "x", 1), 1);
  auto events = poll.wait(1000);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data.u64, 42U);
  EXPECT_TRUE(poll.remove(reader.get()));
  EXPECT_TRUE(poll.wait(0).empty());
}

TEST(Poller, AnotherThreadWakesIt) {
  auto made = poller::create();
  ASSERT_TRUE(made.ok());
  std::thread waker([&] { made.value().wake(); });
  auto events = made.value().wait(10'000);
  waker.join();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data.u64, poller::wake_tag);
  EXPECT_TRUE(made.value().wait(0).empty());
}

}  // namespace
}  // namespace fasterapi::net
