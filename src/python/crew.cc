#include "python/crew.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/clock.h"
#include "core/cpus.h"
#include "fasterapi/python/errc.h"
#include "python/interruption.h"

namespace fasterapi::python {

namespace {

latency as_latency(const core::latency_histogram::summary& of) {
  return {of.count(), of.average_ns(), of.percentile_ns(0.50), of.percentile_ns(0.99)};
}

// The node of a position: they are dealt out in turn.
size_t node_of(size_t index, size_t nodes) { return index % nodes; }

core::error closed_error() { return core::plain_error(core::errc::shut_down); }

}  // namespace

std::vector<size_t> help_order(size_t helper, size_t pinned, size_t nodes) {
  std::vector<size_t> order;
  for (const bool near : {true, false}) {
    for (size_t i = 0; i < pinned; ++i) {
      const size_t other = (helper + i) % pinned;
      if (other != helper && (node_of(other, nodes) == node_of(helper, nodes)) == near) order.push_back(other);
    }
  }
  return order;
}

crew::crew(crew_plan plan) : plan_(std::move(plan)), watchdog_([this](job& late) { return expire(late); }) {}

core::result<std::shared_ptr<crew>> crew::launch(crew_plan plan) {
  if (plan.main_threads + plan.pinned + plan.pooled_threads == 0) {
    return core::error{core::errc::invalid_argument, "an executor needs at least one worker"};
  }
  if (plan.pooled_threads > 0 && (plan.pooled_interpreters == 0 || plan.pooled_interpreters > plan.pooled_threads)) {
    return core::error{core::errc::invalid_argument, "pooled workers share between one interpreter and one each, not " +
                                                         std::to_string(plan.pooled_interpreters)};
  }
  if (plan.queue_size == 0) {
    return core::error{core::errc::invalid_argument, "a queue has room for at least one job"};
  }
  if (plan.machine.nodes.empty()) plan.machine.nodes.emplace_back();
  std::shared_ptr<crew> made(new crew(std::move(plan)));
  made->furnish();
  for (auto& each : made->positions_) made->open_position(*each);
  return made;
}

// Makes the positions: pinned ones, pooled ones, the main interpreter's.
void crew::furnish() {
  const auto add = [this](position::kind role, size_t threads, job_queue* shared) {
    auto made = std::make_unique<position>(positions_.size(), role, plan_.queue_size, shared);
    made->threads = threads;
    made->replace_pauses = {plan_.replace_pause_ns, plan_.replace_pause_max_ns};
    positions_.push_back(std::move(made));
  };
  pinned_ = plan_.pinned;
  for (size_t i = 0; i < plan_.pinned; ++i) add(position::kind::pinned, 1, nullptr);
  if (plan_.pooled_threads > 0) {
    pool_queue_ = std::make_unique<job_queue>(plan_.queue_size);
    for (size_t i = 0; i < plan_.pooled_interpreters; ++i) {
      const size_t rest = plan_.pooled_threads % plan_.pooled_interpreters;
      add(position::kind::pooled, plan_.pooled_threads / plan_.pooled_interpreters + (i < rest ? 1 : 0),
          pool_queue_.get());
    }
  }
  if (plan_.main_threads > 0) add(position::kind::main, plan_.main_threads, nullptr);
  for (auto& each : positions_) {
    const auto& nodes = plan_.machine.nodes;
    const size_t node = node_of(each->index, nodes.size());
    const auto& cpus = nodes[node];
    if (plan_.numa_aware && nodes.size() > 1) {
      each->bound.prefer_node(static_cast<int>(node));
      if (each->own) each->own->prefer_node(static_cast<int>(node));
    }
    if (cpus.empty() || each->role == position::kind::main) continue;
    if (plan_.pin_to_cores) {
      each->cpus = {cpus[each->index / nodes.size() % cpus.size()]};
    } else if (plan_.numa_aware && nodes.size() > 1) {
      each->cpus = cpus;
    }
  }
  for (const auto& each : positions_) {
    const bool helps =
        each->role == position::kind::pinned ? plan_.work_stealing : each->role == position::kind::pooled;
    if (helps) each->helps = help_order(each->index, pinned_, plan_.numa_aware ? plan_.machine.nodes.size() : 1);
  }
  for (const auto& each : positions_) lane_threads_ = std::max(lane_threads_, each->threads);
  const size_t lanes_max = positions_.size() + plan_.stuck_max;
  parking_ = std::make_unique<parking>(lanes_max * lane_threads_);
  for (size_t i = lanes_max; i-- > 0;) free_spots_.push_back(i * lane_threads_);
}

crew::~crew() {
  // The last holder may be a thread of this very crew, which came back after all.
  join_ended();
}

// Its first lane.
void crew::open_position(position& at) {
  core::result<> started = core::nothing{};
  {
    const std::lock_guard lock(mutex_);
    started = start_lane(at, false);
    if (!started.ok() && started_.ok()) started_ = started;
  }
  if (started.ok()) return;
  if (plan_.prepared) plan_.prepared(at.index, started);
  lose(at, started.take_failure());
}

// Nothing changes where there is no thread for it. With mutex_ held.
core::result<> crew::start_lane(position& at, bool replaces) {
  const size_t first_spot = free_spots_.back();
  auto made = std::make_shared<lane>(*this, at, first_spot, replaces);
  TRY(made->start(shared_from_this()));
  at.first_spot.store(first_spot, std::memory_order_release);
  free_spots_.pop_back();
  at.current = made;
  lanes_.push_back(std::move(made));
  ++starting_;
  return core::nothing{};
}

core::result<core::thread> crew::start_thread(const position& at, core::task work) const {
  const char* role = at.role == position::kind::pinned   ? "pinned-"
                     : at.role == position::kind::pooled ? "pooled-"
                                                         : "python-";
  auto started = core::thread::start(role + std::to_string(at.index), std::move(work));
  if (started.ok()) return started;
  const size_t wanted = plan_.main_threads + plan_.pinned + plan_.pooled_threads;
  started.failure().message += "; " + std::to_string(wanted) + " such threads are wanted";
  return started;
}

core::result<> crew::started() const {
  const std::lock_guard lock(mutex_);
  return started_;
}

bool crew::tries_again(const lane& failed, int64_t pause_ns) {
  if (!plan_.replace_again || !failed.replaces()) return false;
  std::unique_lock lock(mutex_);
  const auto ends = [&] { return closing() || failed.leaving(); };
  return !changed_.wait_for(lock, std::chrono::nanoseconds(pause_ns), ends);
}

void crew::lane_ready(position& at, core::result<> how) {
  if (!how.ok()) lose(at, how.take_failure());
  const std::lock_guard lock(mutex_);
  --starting_;
  changed_.notify_all();
}

void crew::lose(position& at, core::error why) {
  give_up(at, why);
  const std::lock_guard lock(mutex_);
  if (outcome_.ok()) outcome_ = std::move(why);
  changed_.notify_all();
}

// No interpreter can be made at a position: what waits for it will not be done.
void crew::give_up(position& at, const core::error& why) {
  at.alive.store(false, std::memory_order_seq_cst);
  const bool others = std::any_of(positions_.begin(), positions_.end(), [&](const auto& each) {
    return each->role == at.role && each->alive.load(std::memory_order_seq_cst);
  });
  abandon_queued(at.bound, why);
  if (at.own != nullptr && !plan_.work_stealing) abandon_queued(*at.open, why);
  if (others) return;
  // Nobody is left to take what those who went before had waiting.
  for (const auto& each : positions_) {
    if (each->role == at.role) abandon_queued(*each->open, why);
  }
}

core::result<> crew::await_ready() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return starting_ == 0 || !outcome_.ok(); });
  return outcome_;
}

void crew::lane_ended(lane& ended) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& each) { return each.get() == &ended; });
  if (ended.given_up) --stuck_;
  free_spots_.push_back(ended.first_spot());
  ended_.push_back(std::move(*found));
  lanes_.erase(found);
  changed_.notify_all();
}

// ---- handing jobs over

bool crew::reserve(when_full then) noexcept {
  const auto limit = static_cast<int64_t>(plan_.queue_size);
  if (queued_.fetch_add(1, std::memory_order_seq_cst) < limit) return true;
  left_queue();
  if (then == when_full::fail) return false;
  std::unique_lock lock(mutex_);
  room_wanted_.fetch_add(1, std::memory_order_seq_cst);
  bool found = false;
  room_.wait(lock, [&] {
    int64_t waiting = queued_.load(std::memory_order_seq_cst);
    while (waiting < limit && !found) {
      found = queued_.compare_exchange_weak(waiting, waiting + 1, std::memory_order_seq_cst);
    }
    return found || closing();
  });
  room_wanted_.fetch_sub(1, std::memory_order_seq_cst);
  return found;
}

// One job fewer waits.
void crew::left_queue() noexcept {
  const int64_t before = queued_.fetch_sub(1, std::memory_order_seq_cst);
  if (room_wanted_.load(std::memory_order_seq_cst) != 0) {
    const std::lock_guard lock(mutex_);
    room_.notify_one();
  }
  if (before == 1 && closing()) wake_all();
}

core::result<> crew::submit(job& work, destination where, when_full then) {
  if (!reserve(then)) {
    if (closing()) return closed_error();
    counts_.rejected.fetch_add(1, std::memory_order_relaxed);
    return core::error{core::errc::queue_full,
                       std::to_string(plan_.queue_size) + " jobs are waiting, which is the bound (queue_size)"};
  }
  if (closing_.load(std::memory_order_seq_cst)) {
    left_queue();
    return closed_error();
  }
  if (work.deadline_ns != 0) {
    if (core::result<> watched = watchdog_.start(); !watched.ok()) {
      left_queue();
      return watched;
    }
  }
  position* at = choose(where);
  if (at == nullptr) {
    left_queue();
    return refusal(where);
  }
  const bool bound = where.what == destination::kind::position;
  work.submitted_ns_ = core::monotonic_ns();
  if (work.deadline_ns != 0) watchdog_.arm(work);
  // Every queue has as much room as may wait in all of them.
  (bound ? at->bound : *at->open).push(work);
  announce(*at, bound);
  if (!at->alive.load(std::memory_order_seq_cst)) give_up(*at, refusal(where));  // it died meanwhile
  return core::nothing{};
}

// Why there is no position for a job.
core::error crew::refusal(destination where) const {
  const std::lock_guard lock(mutex_);
  if (!outcome_.ok()) return outcome_.failure();
  if (where.what == destination::kind::pool)
    return {core::errc::invalid_argument, "the executor has no pooled workers"};
  return {core::errc::invalid_argument, "there is no interpreter " + std::to_string(where.index) + ": " +
                                            std::to_string(positions_.size()) + " are here"};
}

// A position of that role where a thread sleeps: the one with the least to do.
position* crew::idle(position::kind role) noexcept {
  position* best = nullptr;
  const size_t begin = role == position::kind::pinned ? 0 : pinned_;
  const size_t count = (role == position::kind::pinned ? pinned_ : positions_.size()) - begin;
  if (count == 0) return nullptr;
  const size_t offset = round_.fetch_add(1, std::memory_order_relaxed) % count;
  uint64_t least = UINT64_MAX;
  for (size_t i = 0; i < count; ++i) {
    position& each = *positions_[begin + (offset + i) % count];
    const uint64_t running = each.counts.running.load(std::memory_order_relaxed);
    if (running >= least || !each.alive.load(std::memory_order_relaxed)) continue;
    const size_t spot = each.first_spot.load(std::memory_order_relaxed);
    for (size_t thread = 0; thread < each.threads; ++thread) {
      if (!parking_->sleeps(spot + thread)) continue;
      least = running;
      best = &each;
      break;
    }
    if (least == 0) break;
  }
  return best;
}

// The position whose thread is awake and has nothing to do: it is this caller's to use.
position* crew::spinning(destination where) noexcept {
  int64_t index = spinner_.load(std::memory_order_relaxed);
  if (index == nobody) return nullptr;
  position& at = *positions_[static_cast<size_t>(index)];
  if (where.what == destination::kind::pool && at.role == position::kind::pinned) return nullptr;
  return spinner_.compare_exchange_strong(index, nobody, std::memory_order_acq_rel) ? &at : nullptr;
}

position* crew::choose(destination where) noexcept {
  if (where.what == destination::kind::position) {
    if (where.index >= positions_.size()) return nullptr;
    position& at = *positions_[where.index];
    return at.alive.load(std::memory_order_relaxed) ? &at : nullptr;
  }
  if (position* at = spinning(where)) return at;
  const bool anywhere = where.what == destination::kind::anywhere;
  if (anywhere && pinned_ > 0) {
    if (position* at = idle(position::kind::pinned)) return at;
  }
  if (pinned_ < positions_.size()) {
    position* at = idle(position::kind::pooled);
    if (at != nullptr || !anywhere || pinned_ == 0) return at != nullptr ? at : positions_[pinned_].get();
  }
  if (!anywhere) return nullptr;
  for (size_t tried = 0; tried < pinned_; ++tried) {
    position& at = *positions_[round_.fetch_add(1, std::memory_order_relaxed) % pinned_];
    if (at.alive.load(std::memory_order_relaxed)) return &at;
  }
  return nullptr;
}

bool crew::wake_at(position& at) noexcept {
  const size_t spot = at.first_spot.load(std::memory_order_acquire);
  for (size_t thread = 0; thread < at.threads; ++thread) {
    if (parking_->wake(spot + thread)) return true;
  }
  return false;
}

void crew::announce(position& at, bool bound) noexcept {
  if (!parking_->anyone_asleep() || wake_at(at) || bound) return;
  for (const auto role : {position::kind::pinned, position::kind::pooled}) {
    if (role == position::kind::pinned && (at.role != role || !plan_.work_stealing)) continue;
    while (position* other = idle(role)) {
      if (wake_at(*other)) return;
    }
  }
}

// ---- taking jobs

// A job that left its queue: the caller's to begin, or null when it ended while it waited.
job* crew::claim(job* popped) noexcept {
  left_queue();
  auto waiting = job::stage::queued;
  const auto next = popped->unwanted() ? job::stage::over : job::stage::starting;
  if (popped->at_.compare_exchange_strong(waiting, next, std::memory_order_acq_rel)) {
    if (next == job::stage::starting) return popped;
    counts_.cancelled.fetch_add(1, std::memory_order_relaxed);
    if (popped->deadline_ns != 0) watchdog_.disarm(*popped);
  }
  popped->release();
  return nullptr;
}

job* crew::take(position& at, uint32_t& turn) noexcept {
  for (;;) {
    job* popped = at.bound.pop(turn);
    if (popped == nullptr) popped = at.open->pop(turn);
    if (popped == nullptr) break;
    if (job* mine = claim(popped)) return mine;
  }
  return steal(at, turn);
}

// What pinned positions have not come to, for those that help them.
job* crew::steal(position& at, uint32_t& turn) noexcept {
  for (const size_t other : at.helps) {
    while (job* popped = positions_[other]->open->pop(turn)) {
      job* mine = claim(popped);
      if (mine == nullptr) continue;
      at.counts.stolen.fetch_add(1, std::memory_order_relaxed);
      return mine;
    }
  }
  return nullptr;
}

bool crew::over(const lane& of) const noexcept {
  return of.leaving() || (closing() && queued_.load(std::memory_order_seq_cst) == 0);
}

// Looks for work for a while, if no other thread does: what comes meanwhile needs no wake-up.
job* crew::spin(position& at, const lane& of, uint32_t& turn) noexcept {
  const auto self = static_cast<int64_t>(at.index);
  int64_t before = nobody;
  if (plan_.spin_ns <= 0 || !spinner_.compare_exchange_strong(before, self, std::memory_order_acq_rel)) return nullptr;
  const int64_t until_ns = core::monotonic_ns() + plan_.spin_ns;
  job* found = nullptr;
  while ((found = take(at, turn)) == nullptr && !over(of) && core::monotonic_ns() < until_ns) {
    for (int i = 0; i < 8; ++i) core::std_atomics::pause();
  }
  before = self;
  spinner_.compare_exchange_strong(before, nobody, std::memory_order_acq_rel);
  return found;
}

// A push in progress hides those behind it, so a thread that was woken for one of those may have found nothing and gone
// back to sleep: whoever finds work after a wait sees to it that nothing more is left behind.
void crew::pass_on(position& at) noexcept {
  if (queued_.load(std::memory_order_acquire) > 0) announce(at, false);
}

job* crew::await(position& at, const lane& of, size_t spot, uint32_t& turn) noexcept {
  while (!over(of)) {
    if (job* found = spin(at, of, turn)) {
      pass_on(at);
      return found;
    }
    parking_->announce(spot);
    job* found = take(at, turn);
    if (found != nullptr || over(of)) {
      // A wake-up that came in between was for some job: it goes on to another thread.
      if (!parking_->cancel(spot)) announce(at, false);
      if (found != nullptr) pass_on(at);
      return found;
    }
    parking_->sleep(spot);
    if (over(of)) break;
    if (job* mine = take(at, turn)) {
      pass_on(at);
      return mine;
    }
  }
  return nullptr;
}

void crew::finished(job& work) noexcept {
  work.at_.store(job::stage::over, std::memory_order_release);
  if (work.deadline_ns != 0) watchdog_.disarm(work);
}

// ---- deadlines

// The watchdog's: a deadline has passed. The first time the job ends for whoever waits for it; then the code that runs
// it is interrupted until it ends, and given up when it does not.
int64_t crew::expire(job& late) {
  auto now_at = late.at_.load(std::memory_order_acquire);
  for (const auto waiting : {job::stage::queued, job::stage::starting}) {
    auto expected = waiting;
    if (late.at_.compare_exchange_strong(expected, job::stage::over, std::memory_order_acq_rel)) {
      counts_.timed_out.fetch_add(1, std::memory_order_relaxed);
      late.abandon(core::plain_error(core::errc::timed_out));
      return 0;
    }
    now_at = expected;
  }
  if (now_at == job::stage::over) return 0;
  const int64_t now_ns = core::monotonic_ns();
  const bool first = !std::exchange(late.expired_, true);
  if (first) {
    counts_.timed_out.fetch_add(1, std::memory_order_relaxed);
    late.abandon(core::plain_error(core::errc::timed_out));
  }
  std::shared_ptr<lane> where;
  bool given_up = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : lanes_) {
      if (each->runs(late)) where = each;
    }
    given_up = where != nullptr && where->given_up;
  }
  // Code that never ends is interrupted again and again: what it caught may have been the interruption.
  if (where != nullptr) {
    where->interrupt(&late);
    if (!given_up && now_ns >= late.deadline_ns + plan_.stuck_after_ns) replace(where->where(), where);
  }
  return now_ns + std::min(interruption::again_ns, plan_.stuck_after_ns);
}

bool crew::renew(size_t index, int64_t interpreter_id) {
  std::shared_ptr<lane> spoiled;
  {
    const std::lock_guard lock(mutex_);
    spoiled = positions_[index]->current;
  }
  return spoiled->interpreter_id() != interpreter_id || replace(*positions_[index], spoiled);
}

// Gives a lane up that is not to go on, as one in which code would not end, and puts a fresh one in its place. False
// where there is no thread for that: it is left as it is then, and nothing is tried for a while.
bool crew::replace(position& at, const std::shared_ptr<lane>& stuck) {
  core::result<> started = core::nothing{};
  {
    const std::lock_guard lock(mutex_);
    if (at.current != stuck || closing()) return true;
    const int64_t now_ns = core::monotonic_ns();
    if (stuck_ >= plan_.stuck_max || now_ns < at.replace_after_ns) return false;
    started = start_lane(at, true);
    if (started.ok()) {
      at.replace_pauses = {plan_.replace_pause_ns, plan_.replace_pause_max_ns};
      stuck->given_up = true;
      ++stuck_;
      let_go(*stuck);
    } else {
      at.replace_after_ns = now_ns + at.replace_pauses.next();
    }
  }
  if (!started.ok()) {
    if (plan_.prepared) plan_.prepared(at.index, started);
    return false;
  }
  counts_.replaced.fetch_add(1, std::memory_order_relaxed);
  join_ended();
  take_back(at, stuck->reclaim());
  return true;
}

// They had a place in the queue before.
void crew::take_back(position& at, const std::vector<job*>& taken) {
  for (job* each : taken) {
    queued_.fetch_add(1, std::memory_order_seq_cst);
    at.bound.push(*each);
    announce(at, true);
  }
  if (!taken.empty() && !at.alive.load(std::memory_order_seq_cst)) {
    give_up(at, refusal(destination::position(at.index)));  // it died meanwhile
  }
}

// A lane's threads end when they have done what they do, and at once where they do nothing. With mutex_ held.
void crew::let_go(lane& ending) {
  ending.leave();
  changed_.notify_all();
  if (!parking_->anyone_asleep()) return;
  for (size_t thread = 0; thread < ending.where().threads; ++thread) parking_->wake(ending.first_spot() + thread);
}

// ---- the end

void crew::wake_all() noexcept {
  for (size_t spot = 0; spot < (positions_.size() + plan_.stuck_max) * lane_threads_; ++spot) parking_->wake(spot);
}

void crew::abandon_queued(job_queue& queue, const core::error& why) {
  uint32_t turn = 0;
  while (job* popped = queue.pop(turn)) {
    job* mine = claim(popped);
    if (mine == nullptr) continue;
    counts_.cancelled.fetch_add(1, std::memory_order_relaxed);
    finished(*mine);
    mine->abandon(why);
    mine->release();
  }
}

void crew::abandon_all_queued(const core::error& why) {
  for (auto& each : positions_) {
    abandon_queued(each->bound, why);
    abandon_queued(*each->open, why);
  }
}

void crew::close(shutdown_mode mode) {
  closing_.store(true, std::memory_order_seq_cst);
  if (mode == shutdown_mode::cancel) abandon_all_queued(core::plain_error(core::errc::cancelled));
  wake_all();
  {
    const std::lock_guard lock(mutex_);
    room_.notify_all();
    changed_.notify_all();
  }
}

core::result<> crew::shut_down(shutdown_mode mode, int64_t patience_ns) {
  close(mode);
  const auto forever = std::chrono::steady_clock::time_point::max();
  const auto began = std::chrono::steady_clock::now();
  const auto patient = patience_ns < 0 ? forever : began + std::chrono::nanoseconds(patience_ns);
  const auto all_over = [this] { return lanes_.empty(); };
  std::unique_lock lock(mutex_);
  if (patient == forever) {
    changed_.wait(lock, all_over);
  } else if (!changed_.wait_until(lock, patient, all_over)) {
    const auto last = patient + std::chrono::nanoseconds(plan_.stuck_after_ns);
    const auto last_to_finish = patient + std::chrono::nanoseconds(plan_.finish_patience_ns);
    const auto is_hopeful = [&] {
      const auto now = std::chrono::steady_clock::now();
      if (now < last) return true;
      const auto finishes = [](const std::shared_ptr<lane>& each) { return each->finishing(); };
      return now < last_to_finish && std::any_of(lanes_.begin(), lanes_.end(), finishes);
    };
    while (!all_over() && is_hopeful()) {
      lock.unlock();
      interrupt_all();
      lock.lock();
      changed_.wait_for(lock, std::chrono::nanoseconds(interruption::again_ns), all_over);
    }
  }
  const size_t left = lanes_.size();
  lock.unlock();
  join_ended();
  if (left == 0) return core::nothing{};
  return core::error{core::errc::timed_out,
                     std::to_string(left) + " of the executor's interpreters are in code that would not end"};
}

bool crew::await_end(int64_t deadline_ns) {
  {
    std::unique_lock lock(mutex_);
    const auto all_over = [this] { return lanes_.empty(); };
    if (deadline_ns == core::no_deadline) {
      changed_.wait(lock, all_over);
    } else if (!changed_.wait_for(lock, std::chrono::nanoseconds(deadline_ns - core::monotonic_ns()), all_over)) {
      return false;
    }
  }
  join_ended();
  return true;
}

void crew::interrupt_all() {
  abandon_all_queued(core::plain_error(core::errc::shut_down));
  std::vector<std::shared_ptr<lane>> present;
  {
    const std::lock_guard lock(mutex_);
    present = lanes_;
  }
  for (const auto& each : present) each->interrupt(nullptr);
}

bool crew::has_ended() const {
  const std::lock_guard lock(mutex_);
  return lanes_.empty();
}

void crew::join_ended() {
  std::vector<std::shared_ptr<lane>> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(ended_);
  }
  for (auto& each : threads) each->join();
}

void crew::dismiss(size_t index) {
  position& at = *positions_[index];
  at.alive.store(false, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  if (at.current != nullptr) let_go(*at.current);
}

executor_stats crew::stats() const {
  executor_stats sum;
  core::latency_histogram::summary wait, run, gil;
  for (const auto& each : positions_) {
    sum.executed += each->counts.executed.load(std::memory_order_relaxed);
    sum.failed += each->counts.failed.load(std::memory_order_relaxed);
    sum.stolen += each->counts.stolen.load(std::memory_order_relaxed);
    sum.running += each->counts.running.load(std::memory_order_relaxed);
    wait.add(each->counts.queue_wait);
    run.add(each->counts.run_time);
    gil.add(each->counts.gil_wait);
  }
  sum.timed_out = counts_.timed_out.load(std::memory_order_relaxed);
  sum.cancelled = counts_.cancelled.load(std::memory_order_relaxed);
  sum.rejected = counts_.rejected.load(std::memory_order_relaxed);
  sum.replaced = counts_.replaced.load(std::memory_order_relaxed);
  sum.queued = static_cast<uint64_t>(std::max<int64_t>(0, queued_.load(std::memory_order_relaxed)));
  sum.queue_wait = as_latency(wait);
  sum.run_time = as_latency(run);
  sum.gil_wait = as_latency(gil);
  const std::lock_guard lock(mutex_);
  sum.stuck = stuck_;
  return sum;
}

}  // namespace fasterapi::python
