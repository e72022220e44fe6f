#include "core/model/stage.h"

#include <algorithm>
#include <utility>

namespace fasterapi::core::model {

namespace {

int64_t later(int64_t now_ns, int64_t ns) { return ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + ns; }

}  // namespace

void stage::add(std::function<void()> act) {
  auto made = std::make_unique<actor>();
  made->act = std::move(act);
  made->runs_on = std::make_unique<fiber>(&stage::begin, this);
  actors_.push_back(std::move(made));
}

void stage::begin(void* argument) {
  stage& on = *static_cast<stage*>(argument);
  actor& self = *on.acting_;
  self.act();
  self.ended = true;
  fiber::switch_over(*self.runs_on, on.director_);
}

bool stage::can_go_on(const actor& each) const {
  if (each.ended) return false;
  return each.wakes_ns <= now_ns_ || (each.waits_for && each.waits_for());
}

// To the next time at which somebody wakes up; false where nobody ever does.
bool stage::advance() {
  int64_t next_ns = INT64_MAX;
  for (const auto& each : actors_) {
    if (!each->ended) next_ns = std::min(next_ns, each->wakes_ns);
  }
  if (next_ns == INT64_MAX) return false;
  now_ns_ = std::max(now_ns_, next_ns);
  return true;
}

bool stage::run(uint64_t steps_max) {
  current_ = this;
  std::vector<actor*> able;
  for (uint64_t steps = 0; steps < steps_max; ++steps) {
    able.clear();
    for (const auto& each : actors_) {
      if (can_go_on(*each)) able.push_back(each.get());
    }
    if (able.empty()) {
      if (!advance()) break;
      continue;
    }
    acting_ = able[random(able.size())];
    fiber::switch_over(director_, *acting_->runs_on);
  }
  return std::all_of(actors_.begin(), actors_.end(), [](const auto& each) { return each->ended; });
}

void stage::leave(int64_t wakes_ns, std::function<bool()> waits_for) {
  actor& self = *acting_;
  self.wakes_ns = wakes_ns;
  self.waits_for = std::move(waits_for);
  fiber::switch_over(*self.runs_on, director_);
  self.waits_for = nullptr;
}

void stage::step() { leave(now_ns_, nullptr); }

void stage::sleep(int64_t ns) { leave(later(now_ns_, ns), nullptr); }

void stage::wait_until(std::function<bool()> holds, int64_t ns) {
  if (!holds()) leave(later(now_ns_, ns), std::move(holds));
}

}  // namespace fasterapi::core::model
