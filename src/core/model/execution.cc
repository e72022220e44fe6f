#include "core/model/execution.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace fasterapi::core::model {

namespace {

thread_local execution* under_way = nullptr;

thread_set only(size_t thread) { return thread_set{1} << thread; }

}  // namespace

execution& execution::current() {
  assert(under_way != nullptr);
  return *under_way;
}

verdict execution::explore(const std::function<void()>& scenario) {
  assert(under_way == nullptr);
  under_way = this;
  while (fault_.empty() && outcome_.executions < limits_.executions_max && choices_.next()) {
    run_once(scenario);
    outcome_.steps += steps_;
    if (!choices_.repeats()) ++outcome_.executions;
    if (fault_.empty() && choices_.strayed()) fault_ = "the scenario does not repeat itself\n" + told();
  }
  outcome_.complete = fault_.empty() && !choices_.next();
  outcome_.fault = fault_;
  under_way = nullptr;
  return outcome_;
}

void execution::run_once(const std::function<void()>& scenario) {
  memory_.begin();
  events_.clear();
  steps_ = 0;
  running_ = 0;
  prepare(0, scenario);
  fiber::switch_over(search_, *threads_[0].stack);
}

void execution::prepare(size_t number, const std::function<void()>& body) {
  thread& one = threads_[number];
  one.body = &body;
  one.state = standing::runs;
  beginning_ = number;
  if (one.stack == nullptr) one.stack = std::make_unique<fiber>(&execution::enter, this);
}

void execution::enter(void* self) {
  auto& all = *static_cast<execution*>(self);
  all.live(all.beginning_);
}

void execution::live(size_t number) {
  fiber& here = *threads_[number].stack;
  for (;;) {
    (*threads_[number].body)();
    threads_[number].state = standing::ended;
    if (number == 0) {
      fiber::switch_over(here, search_);
    } else if (starting_) {
      fiber::switch_over(here, *threads_[0].stack);
    } else {
      hand_over();
    }
  }
}

void execution::run_threads(const std::vector<std::function<void()>>& bodies) {
  assert(!concurrent() && bodies.size() < threads_max);
  for (size_t i = 0; i < bodies.size(); ++i) {
    prepare(i + 1, bodies[i]);
    start(i + 1);
  }
  hand_over();
  for (size_t i = 1; i <= bodies.size(); ++i) memory_.end_thread(i, 0);
}

// Runs the thread up to its first step, which nobody else can see anything of.
void execution::start(size_t number) {
  memory_.start_thread(number, 0);
  starting_ = true;
  running_ = number;
  fiber::switch_over(*threads_[0].stack, *threads_[number].stack);
  starting_ = false;
  running_ = 0;
}

thread_set execution::enabled() const {
  thread_set able = 0;
  for (size_t i = 1; i < threads_max; ++i) {
    const thread& one = threads_[i];
    if (one.state == standing::ended || (one.state == standing::sleeps && !one.has_deadline)) continue;
    if (pending_[i].what == operation::kind::pause && !memory_.behind(i)) continue;
    able |= only(i);
  }
  return able;
}

// Gives the turn to the thread that the search chooses, or back to the scenario when all have ended. Returns when it is
// the turn of the one that called.
void execution::hand_over() {
  const size_t from = running_;
  const thread_set able = enabled();
  if (able != 0) {
    running_ = choices_.pick_thread(able, pending_, from);
  } else if (std::any_of(threads_.begin() + 1, threads_.end(),
                         [](const thread& one) { return one.state != standing::ended; })) {
    fail("nobody can go on: each thread sleeps, or waits in a loop for what does not come");
  } else {
    running_ = 0;
  }
  if (running_ != from) fiber::switch_over(*threads_[from].stack, *threads_[running_].stack);
}

void execution::turn(const operation& next) {
  if (++steps_ > limits_.steps_max) fail("a loop without end");
  if (!concurrent()) return;
  const size_t self = running_;
  pending_[self] = next;
  if (starting_) {
    fiber::switch_over(*threads_[self].stack, *threads_[0].stack);
  } else {
    hand_over();
  }
}

uint64_t execution::load(const void* word, std::memory_order order, uint64_t initial) {
  turn({operation::kind::load, word});
  const size_t age = choices_.pick(memory_.readable(word, running_, order, initial));
  const uint64_t value = memory_.load(word, running_, order, age);
  record("loads", word, value, age);
  look_for_fault();
  return value;
}

void execution::store(const void* word, std::memory_order order, uint64_t value, uint64_t initial) {
  turn({operation::kind::store, word});
  memory_.store(word, running_, order, value, initial);
  record("stores", word, value);
  look_for_fault();
}

uint64_t execution::newest(const void* word, uint64_t initial) { return memory_.newest(word, running_, initial); }

void execution::commit(const void* word, std::memory_order order, uint64_t value) {
  memory_.load(word, running_, order, 0);
  memory_.update(word, running_, order, value);
  record("changes to", word, value);
  look_for_fault();
}

uint64_t execution::compare_exchange(const void* word, uint64_t expected, uint64_t desired, std::memory_order success,
                                     std::memory_order failure, uint64_t initial) {
  turn({operation::kind::store, word});
  const uint64_t before = newest(word, initial);
  if (before == expected) {
    commit(word, success, desired);
  } else {
    memory_.load(word, running_, failure, 0);
    record("compares in vain", word, before);
    look_for_fault();
  }
  return before;
}

bool execution::wait(const void* word, uint64_t expected, bool has_deadline) {
  turn({operation::kind::wait, word});
  const uint64_t value = memory_.load(word, running_, std::memory_order_relaxed, 0);
  record("waits on", word, value);
  look_for_fault();
  if (value != expected) return true;
  if (!concurrent()) fail("the scenario itself falls asleep");
  thread& self = threads_[running_];
  self.state = standing::sleeps;
  self.has_deadline = has_deadline;
  turn({operation::kind::wait, word});  // its turn comes when it is woken or, with a deadline, at any time
  const bool woken = self.state == standing::woken;
  self.state = standing::runs;
  record(woken ? "is woken" : "waits no longer", word, 0);
  return woken;
}

void execution::wake(const void* word, uint32_t count) {
  turn({operation::kind::wake, word});
  record("wakes", word, count);
  for (; count > 0; --count) {
    std::vector<size_t> asleep;
    for (size_t i = 1; i < threads_max; ++i) {
      if (threads_[i].state == standing::sleeps && pending_[i].address == word) asleep.push_back(i);
    }
    if (asleep.empty()) return;
    const size_t woken = asleep[count < asleep.size() ? choices_.pick(asleep.size()) : 0];
    threads_[woken].state = standing::woken;
    pending_[woken] = {};
    memory_.show(running_, woken);  // the kernel has a lock in between
  }
}

void execution::pause() {
  if (!concurrent()) return;
  turn({operation::kind::pause, nullptr});
  memory_.catch_up(running_);
}

void execution::create(const void* word, uint64_t value) { memory_.create(word, running_, value); }

void execution::destroy(const void* word) {
  memory_.destroy(word, running_);
  look_for_fault();
}

void execution::read(const void* object) {
  memory_.read(object, running_);
  record("reads", object, 0);
  look_for_fault();
}

void execution::write(const void* object) {
  memory_.write(object, running_);
  record("writes", object, 0);
  look_for_fault();
}

void execution::begin_life(const void* object, bool fresh) {
  memory_.begin_life(object, running_, fresh);
  record("makes", object, 0);
  look_for_fault();
}

void execution::end_life(const void* object) {
  memory_.end_life(object, running_);
  record("destroys", object, 0);
  look_for_fault();
}

void execution::check(bool holds, const char* what) {
  if (!holds) fail(what);
}

void execution::look_for_fault() {
  if (memory_.fault() != nullptr) fail(memory_.fault());
}

void execution::fail(const char* what) {
  fault_ = std::string(what) + "\n" + told();
  fiber::switch_over(*threads_[running_].stack, search_);
  std::abort();
}

void execution::record(const char* what, const void* place, uint64_t value, size_t age) {
  events_.push_back(
      {.thread = static_cast<uint8_t>(running_), .what = what, .place = place, .value = value, .age = age});
}

std::string execution::told() const {
  std::string text;
  std::vector<const void*> places;
  for (const event& one : events_) {
    auto place = std::find(places.begin(), places.end(), one.place);
    if (place == places.end()) place = places.insert(places.end(), one.place);
    char line[120];
    std::snprintf(line, sizeof line, "  thread %u %s #%zu: %llx", unsigned{one.thread}, one.what,
                  static_cast<size_t>(place - places.begin()), static_cast<unsigned long long>(one.value));
    text += line;
    if (one.age > 0) text += ", old by " + std::to_string(one.age);
    text += '\n';
  }
  return text;
}

verdict explore(const std::function<void()>& scenario, const bounds& limits) {
  return std::make_unique<execution>(limits)->explore(scenario);
}

void run_threads(const std::vector<std::function<void()>>& threads) { execution::current().run_threads(threads); }

void check(bool holds, const char* what) { execution::current().check(holds, what); }

}  // namespace fasterapi::core::model
