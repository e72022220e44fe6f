#include "server/posted_answer.h"

#include <gtest/gtest.h>

#include <array>
#include <semaphore>
#include <thread>

namespace fasterapi::server {
namespace {

struct test_answer final : posted_answer {
  void done() noexcept override { is_done = true; }
  bool is_done = false;
  int from = 0;
  int number = 0;
};

TEST(PostedAnswerTest, KeepsACopyWithRoomForAHead) {
  std::string name = "x-a", value = "1", body = "hello", type = "text/plain";
  const http::h1::response_field field{name, value};
  answer_view given;
  given.status = 201;
  given.content_type = type;
  given.fields = {&field, 1};
  given.body = body;
  given.close = true;
  test_answer tested;
  ASSERT_TRUE(tested.set(given));
  for (std::string* each : {&name, &value, &body, &type}) each->assign(each->size(), '?');

  const answer_view kept = tested.view();
  EXPECT_EQ(kept.status, 201);
  EXPECT_EQ(kept.content_type, "text/plain");
  ASSERT_EQ(kept.fields.size(), 1U);
  EXPECT_EQ(kept.fields[0].name, "x-a");
  EXPECT_EQ(kept.fields[0].value, "1");
  EXPECT_EQ(kept.body, "hello");
  EXPECT_TRUE(kept.close);
  // Written to, as the shard does.
  std::fill_n(const_cast<char*>(kept.body.data()) - kept.headroom, kept.headroom, '!');
  EXPECT_EQ(tested.view().body, "hello");
}

TEST(PostedAnswerTest, AnEmptyAnswerIsOneToo) {
  test_answer tested;
  ASSERT_TRUE(tested.set({}));
  EXPECT_TRUE(tested.view().body.empty());
  EXPECT_FALSE(tested.is_error());
}

TEST(PostedAnswersTest, AreTakenInTheirOrder) {
  posted_answers tested;
  std::array<test_answer, 3> posted;
  for (test_answer& each : posted) EXPECT_FALSE(tested.push(each));
  EXPECT_FALSE(tested.empty());
  const posted_answer* at = tested.take_all();
  for (const test_answer& each : posted) {
    ASSERT_EQ(at, &each);
    at = posted_answers::next(*at);
  }
  EXPECT_EQ(at, nullptr);
  EXPECT_TRUE(tested.empty());
  EXPECT_EQ(tested.take_all(), nullptr);
}

TEST(PostedAnswersTest, ASleeperIsWokenOnce) {
  posted_answers tested;
  std::array<test_answer, 3> posted;
  ASSERT_TRUE(tested.begin_sleep());
  EXPECT_TRUE(tested.push(posted[0]));
  EXPECT_FALSE(tested.push(posted[1]));
  tested.end_sleep();
  EXPECT_FALSE(tested.begin_sleep());
  EXPECT_FALSE(tested.push(posted[2]));
}

// Posters and a driver that sleeps whenever it may: nothing is lost, and each poster's answers stay in order.
TEST(PostedAnswersTest, NothingIsLostBetweenPostersAndASleepingDriver) {
  constexpr int posters = 3;
  constexpr int each = 20'000;
  posted_answers tested;
  std::counting_semaphore<posters * each> wakes(0);
  std::vector<std::unique_ptr<test_answer[]>> posted;
  std::vector<std::thread> threads;
  for (int from = 0; from < posters; ++from) {
    posted.push_back(std::make_unique<test_answer[]>(each));
    threads.emplace_back([&, from, mine = posted.back().get()] {
      for (int i = 0; i < each; ++i) {
        mine[i].from = from;
        mine[i].number = i;
        if (tested.push(mine[i])) wakes.release();
      }
    });
  }
  std::array<int, posters> next{};
  int taken = 0;
  while (taken < posters * each) {
    if (tested.begin_sleep()) {
      ASSERT_TRUE(wakes.try_acquire_for(std::chrono::seconds(20)));
      tested.end_sleep();
    }
    for (posted_answer* at = tested.take_all(); at != nullptr; ++taken) {
      auto& one = static_cast<test_answer&>(*at);
      at = posted_answers::next(*at);
      ASSERT_EQ(one.number, next[static_cast<size_t>(one.from)]++);
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fasterapi::server
