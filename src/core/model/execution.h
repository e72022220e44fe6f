#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/model/choices.h"
#include "core/model/explore.h"
#include "core/model/fiber.h"
#include "core/model/memory.h"

namespace fasterapi::core::model {

// One execution of a scenario after the other: its threads as fibers, of which one makes a step at a time. A step is
// one operation on an atomic; before it a thread says what it is about to do, and the search chooses whose turn it is.
class execution {
 public:
  explicit execution(const bounds& limits) : limits_(limits), choices_(limits.preemptions_max) {}
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;

  // The one that is under way in this thread of the system.
  static execution& current();

  verdict explore(const std::function<void()>& scenario);

  // The rest is for the code under test, in the thread whose turn it is.
  void run_threads(const std::vector<std::function<void()>>& bodies);
  void check(bool holds, const char* what);

  // Atomics. `initial` is what the word holds before its first use, for words that were not created.
  void create(const void* word, uint64_t value);
  void destroy(const void* word);
  uint64_t load(const void* word, std::memory_order order, uint64_t initial);
  void store(const void* word, std::memory_order order, uint64_t value, uint64_t initial);
  template <typename Change>
  uint64_t update(const void* word, std::memory_order order, uint64_t initial, Change change) {
    turn({operation::kind::store, word});
    const uint64_t before = newest(word, initial);
    commit(word, order, change(before));
    return before;
  }
  // Stores `desired` where the word is `expected`; returns what it was.
  uint64_t compare_exchange(const void* word, uint64_t expected, uint64_t desired, std::memory_order success,
                            std::memory_order failure, uint64_t initial);
  bool wait(const void* word, uint64_t expected, bool has_deadline);
  void wake(const void* word, uint32_t count);
  void pause();

  // Plain objects.
  void read(const void* object);
  void write(const void* object);
  void begin_life(const void* object, bool fresh);
  void end_life(const void* object);

 private:
  enum class standing : uint8_t { runs, sleeps, woken, ended };

  struct thread {
    std::unique_ptr<fiber> stack;
    const std::function<void()>* body = nullptr;
    standing state = standing::ended;
    bool has_deadline = false;  // of its sleep
  };

  struct event {
    uint8_t thread;
    const char* what;
    const void* place;
    uint64_t value;
    size_t age;
  };

  // Runs the scenario once.
  void run_once(const std::function<void()>& scenario);
  // Announces the next step of the current thread and returns when it is its turn.
  void turn(const operation& next);
  void hand_over();
  void start(size_t number);
  // What a thread's stack does: one body after the other, the scenario's being thread 0.
  static void enter(void* self);
  [[noreturn]] void live(size_t number);
  void prepare(size_t number, const std::function<void()>& body);
  thread_set enabled() const;
  bool concurrent() const { return running_ != 0; }
  uint64_t newest(const void* word, uint64_t initial);
  void commit(const void* word, std::memory_order order, uint64_t value);
  void record(const char* what, const void* place, uint64_t value, size_t age = 0);
  // Ends the search: the scenario and its threads are left where they stand, for good.
  [[noreturn]] void fail(const char* what);
  void look_for_fault();
  std::string told() const;

  const bounds limits_;
  choices choices_;
  memory memory_;
  fiber search_;
  std::array<thread, threads_max> threads_;
  std::array<operation, threads_max> pending_;
  size_t running_ = 0;    // 0: the scenario itself
  size_t beginning_ = 0;  // whose stack is to begin
  bool starting_ = false;
  size_t steps_ = 0;
  std::vector<event> events_;
  std::string fault_;
  verdict outcome_;
};

}  // namespace fasterapi::core::model
