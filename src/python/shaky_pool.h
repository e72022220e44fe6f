#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "fasterapi/core/errc.h"
#include "fasterapi/core/future.h"
#include "python/counted_job.h"
#include "python/crew.h"

// For tests: pools of interpreters in which something goes wrong, and jobs that tell where they ran or stay.

namespace fasterapi::python {

// Tells the number of its interpreter.
class place_job final : public counted_job {
 public:
  explicit place_job(core::promise<int64_t> to) : to_(std::move(to)) {}
  bool run(const gil&, place& here) noexcept override {
    interpreter_ = here.interpreter_id;
    return true;
  }
  void publish() noexcept override { to_.set(interpreter_); }
  void abandon(core::error why) noexcept override { to_.set(std::move(why)); }

 private:
  core::promise<int64_t> to_;
  int64_t interpreter_ = 0;
};

inline core::future<int64_t> interpreter_in_pool(crew& of) {
  core::promise<int64_t> told;
  auto future = told.get_future();
  auto* work = new place_job(std::move(told));
  EXPECT_TRUE(of.submit(*work, destination::pool(), when_full::fail).ok());
  return future;
}

// A job that keeps its interpreter's GIL until it is told to go on.
struct gate {
  std::atomic<bool> begun = false, gone = false, open = false;

  class visitor final : public counted_job {
   public:
    explicit visitor(gate& at) : at_(at) {}
    ~visitor() override { at_.gone = true; }
    bool run(const gil&, place&) noexcept override {
      at_.begun = true;
      at_.open.wait(false);
      return true;
    }
    void publish() noexcept override {}
    void abandon(core::error) noexcept override {}

   private:
    gate& at_;
  };

  // Somebody is there, past the deadline soon.
  void occupy(crew& of) {
    while (!begun) {
      gone = false;
      auto* work = new visitor(*this);
      work->deadline_ns = core::monotonic_ns() + 20'000'000;
      ASSERT_TRUE(of.submit(*work, destination::pool(), when_full::fail).ok());
      while (!begun && !gone) std::this_thread::yield();
    }
  }
  void let_go() {
    open = true;
    open.notify_all();
  }
};

// A pool in which interpreters can be prepared, except for those that are the `fails_from`th to the `fails_to`th.
struct shaky_pool {
  std::mutex mutex;
  int prepared = 0;
  std::vector<std::string> told;
  std::atomic<size_t> told_count = 0;
  std::shared_ptr<crew> team;

  shaky_pool(size_t interpreters, bool replace_again, int64_t pause_ns, int fails_from, int fails_to,
             size_t threads_each = 1) {
    crew_plan plan;
    plan.pooled_interpreters = interpreters;
    plan.pooled_threads = interpreters * threads_each;
    plan.replace_again = replace_again;
    plan.replace_pause_ns = pause_ns;
    plan.stuck_after_ns = 1'000'000;
    plan.prepare = [this, fails_from, fails_to](const gil&, place&) -> core::result<> {
      const std::lock_guard lock(mutex);
      ++prepared;
      if (prepared < fails_from || prepared > fails_to) return core::nothing{};
      return core::error{core::errc::invalid_argument, "not today"};
    };
    plan.prepared = [this](size_t, const core::result<>& how) {
      const std::lock_guard lock(mutex);
      told.push_back(how.ok() ? "" : how.failure().message);
      told_count = told.size();
    };
    team = crew::launch(std::move(plan)).take();
    EXPECT_TRUE(team->await_ready().ok());
  }
};

}  // namespace fasterapi::python
