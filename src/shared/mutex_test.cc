#include "shared/mutex.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "core/clock.h"
#include "shared/counter.h"
#include "shared/event.h"

namespace fasterapi::shared {
namespace {

using outcome = mutex::outcome;
constexpr int64_t soon_ns = 20'000'000'000;

// An object in a region of its own, after the region's header.
template <typename Object>
class alone {
 public:
  alone() : region_(region::create(size_t{1} << 20).take()) {
    plain_patience waiting;
    domain_holder held(region_, region_.header().directory, waiting);
    object_ = new (region_.base() + held.allocate(sizeof(Object) + 64) / 64 * 64 + 64) Object();
    held.commit();
  }
  Object* operator->() { return object_; }
  Object& operator*() { return *object_; }
  const region& where() { return region_; }

 private:
  region region_;
  Object* object_;
};

TEST(Mutex, HasOneHolder) {
  alone<mutex> m;
  EXPECT_FALSE(m->is_held(m.where()));
  EXPECT_EQ(m->try_acquire(m.where(), 1), outcome::taken);
  EXPECT_EQ(m->try_acquire(m.where(), 2), outcome::busy);
  EXPECT_EQ(m->try_acquire(m.where(), 1), outcome::deadlock);
  EXPECT_TRUE(m->is_held(m.where()));
  EXPECT_TRUE(m->release(m.where()));
  EXPECT_FALSE(m->release(m.where()));
  EXPECT_EQ(m->try_acquire(m.where(), 2), outcome::taken);
}

TEST(Mutex, LetsOneThreadInAtATime) {
  alone<mutex> m;
  int64_t guarded = 0;
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (uint64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        for (;;) {
          const uint32_t round = m->freed().arrive();
          if (m->try_acquire(m.where(), t) == outcome::taken) break;
          m->freed().sleep(round, core::monotonic_ns() + soon_ns);
        }
        ++guarded;
        m->release(m.where());
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(guarded, 8000);
}

TEST(Mutex, OutlivesItsHolder) {
  alone<mutex> m;
  const pid_t child = fork();
  if (child == 0) _exit(m->try_acquire(m.where(), 7) == outcome::taken ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(m->is_held(m.where()));
  EXPECT_EQ(m->try_acquire(m.where(), 7), outcome::recovered);
  EXPECT_TRUE(m->release(m.where()));
  EXPECT_EQ(m->try_acquire(m.where(), 7), outcome::taken);
}

TEST(Mutex, BelongsToItsProcess) {
  alone<mutex> m;
  EXPECT_EQ(m->try_acquire(m.where(), 7), outcome::taken);
  const pid_t child = fork();
  if (child == 0) {
    const bool fits = m->try_acquire(m.where(), 7) == outcome::busy && !m->release(m.where()) && m->is_held(m.where());
    _exit(fits ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(m->is_held(m.where()));
}

TEST(Event, WakesThoseWhoWait) {
  alone<event> e;
  const pid_t child = fork();
  if (child == 0) {
    const int64_t deadline = core::monotonic_ns() + soon_ns;
    while (!e->is_set() && core::monotonic_ns() < deadline) {
      const uint32_t round = e->happened().arrive();
      if (!e->is_set()) e->happened().sleep(round, deadline);
    }
    _exit(e->is_set() ? 0 : 1);
  }
  e->set(e.where());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  e->clear();
  EXPECT_FALSE(e->is_set());
}

TEST(Counter, NeverWrapsAround) {
  counter c(INT64_MAX - 1);
  EXPECT_EQ(c.add(1), INT64_MAX);
  EXPECT_EQ(c.add(1), std::nullopt);
  EXPECT_EQ(c.value(), INT64_MAX);
  EXPECT_TRUE(c.compare_and_set(INT64_MAX, 5));
  EXPECT_FALSE(c.compare_and_set(INT64_MAX, 6));
  EXPECT_EQ(c.value(), 5);
}

}  // namespace
}  // namespace fasterapi::shared
