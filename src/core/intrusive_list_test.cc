#include "core/intrusive_list.h"

#include <gtest/gtest.h>

namespace fasterapi::core {
namespace {

struct queue_tag {};
struct item : list_link<queue_tag> {
  explicit item(int number) : number(number) {}
  int number;
};

TEST(IntrusiveList, KeepsOrderAndUnlinksFromTheMiddle) {
  intrusive_list<item, queue_tag> list;
  item one(1), two(2), three(3);
  list.push_back(one);
  list.push_back(two);
  list.push_back(three);
  two.unlink();
  EXPECT_FALSE(two.linked());
  EXPECT_EQ(list.pop_front()->number, 1);
  EXPECT_EQ(list.pop_front()->number, 3);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveList, PushingAgainMovesToTheEnd) {
  intrusive_list<item, queue_tag> list;
  item one(1), two(2);
  list.push_back(one);
  list.push_back(two);
  list.push_back(one);
  EXPECT_EQ(list.front()->number, 2);
  EXPECT_EQ(list.after(two)->number, 1);
  EXPECT_EQ(list.after(one), nullptr);
}

}  // namespace
}  // namespace fasterapi::core
