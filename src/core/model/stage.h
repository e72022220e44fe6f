#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "core/model/fiber.h"

namespace fasterapi::core::model {

// Actors that take turns in a random order, by a clock that jumps from one thing that happens to the next. Where
// explore() looks at all executions of a few steps, this looks at some executions of very many. All run in one thread;
// the same seed gives the same play.
class stage {
 public:
  explicit stage(uint64_t seed) : random_(seed) {}
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  // The one that runs an actor at the moment.
  static stage& current() { return *current_; }

  void add(std::function<void()> actor);
  // True once all actors have ended; false where some wait for what never happens, or `steps_max` were not enough. Then
  // they are left where they stand.
  bool run(uint64_t steps_max);

  int64_t now_ns() const noexcept { return now_ns_; }
  uint64_t random(uint64_t below) { return random_() % below; }

  // In an actor: others may take their turns, any number of them.
  void step();
  void sleep(int64_t ns);
  // Until it holds, or for `ns`.
  void wait_until(std::function<bool()> holds, int64_t ns = INT64_MAX);

 private:
  struct actor {
    std::function<void()> act;
    std::unique_ptr<fiber> runs_on;
    int64_t wakes_ns = 0;
    std::function<bool()> waits_for;  // empty: only for the time
    bool ended = false;
  };

  static void begin(void* argument);
  bool can_go_on(const actor& each) const;
  bool advance();
  void leave(int64_t wakes_ns, std::function<bool()> waits_for);

  static inline stage* current_ = nullptr;

  std::mt19937_64 random_;
  int64_t now_ns_ = 0;
  std::vector<std::unique_ptr<actor>> actors_;
  actor* acting_ = nullptr;
  fiber director_;
};

}  // namespace fasterapi::core::model
