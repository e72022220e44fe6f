#include "python/lane.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/cpus.h"
#include "fasterapi/python/errc.h"
#include "fasterapi/python/error.h"
#include "python/crew.h"
#include "python/housekeeping.h"

namespace fasterapi::python {

lane::lane(crew& of, position& at, size_t first_spot, bool replaces)
    : crew_(of), position_(at), first_spot_(first_spot), replaces_(replaces) {
  for (size_t i = 0; i < at.threads; ++i) {
    workers_.push_back(std::make_unique<worker>());
    workers_.back()->spot = first_spot + i;
  }
}

lane::~lane() = default;

core::result<> lane::start(std::shared_ptr<crew> keep) {
  workers_.front()->thread = TRY(crew_.start_thread(position_, [this, keep = std::move(keep)] {
    keep->lane_begins();
    run_first();
    keep->lane_ended(*this);
  }));
  return core::nothing{};
}

void lane::join() noexcept {
  core::thread& first = workers_.front()->thread;
  if (!first.joinable()) return;
  if (first.is_current()) {
    first.detach();
  } else {
    first.join();
  }
}

void lane::run_first() {
  core::result<> opened = open();
  core::backoff pauses(crew_.plan().replace_pause_ns, crew_.plan().replace_pause_max_ns);
  while (!opened.ok() && crew_.tries_again(*this, pauses.next())) opened = open();
  const bool works = opened.ok();
  crew_.lane_ready(position_, std::move(opened));
  enter_phase(works ? phase::working : phase::finishing);
  if (works) work(*workers_.front(), first_);
  for (size_t i = 1; i < workers_.size(); ++i) {
    if (workers_[i]->thread.joinable()) workers_[i]->thread.join();
  }
  enter_phase(phase::finishing);
  if (interrupter_.joinable()) interrupter_.join();
  leave_interpreter();
}

void lane::run_next(size_t index) {
  {
    std::unique_lock lock(mutex_);
    wanted_.wait(lock, [this] { return now_ != phase::opening; });
    if (now_ != phase::working) return;
  }
  if (!position_.cpus.empty()) static_cast<void>(core::keep_thread_to(position_.cpus));  // the first thread could
  const thread_state state(state_);
  work(*workers_[index], state.get());
}

// They wait until there is an interpreter. Those that could be started stay where others could not.
core::result<> lane::start_others() {
  for (size_t i = 1; i < workers_.size(); ++i) {
    if (workers_[i]->thread.joinable()) continue;
    workers_[i]->thread = TRY(crew_.start_thread(position_, [this, i] { run_next(i); }));
  }
  return core::nothing{};
}

// Sees to it that there are all threads, makes the interpreter and prepares it. Nothing of that is left where it fails.
core::result<> lane::open() {
  core::result<> done = start_others();
  if (done.ok()) done = crew_.watch_deadlines();
  if (done.ok()) done = enter();
  if (done.ok()) {
    const GILGuard held(first_);
    done = prepare(held);
  }
  if (!done.ok()) leave_interpreter();
  if (crew_.plan().prepared) crew_.plan().prepared(position_.index, done);
  return done;
}

// Makes the interpreter, or a place in the main one; the thread is attached to none afterwards.
core::result<> lane::enter() {
  if (!position_.cpus.empty()) TRY(core::keep_thread_to(position_.cpus));
  if (position_.role == position::kind::main) {
    in_main_.emplace(PyInterpreterState_Main());
    first_ = in_main_->get();
  } else {
    core::result<interpreter> made = interpreter::create();
    if (!made.ok()) return made.take_failure();
    own_.emplace(made.take());
    first_ = PyEval_SaveThread();
  }
  state_ = PyThreadState_GetInterpreter(first_);
  place_.position = position_.index;
  place_.pooled = workers_.size() > 1;
  place_.interpreter_id = PyInterpreterState_GetID(state_);
  interpreter_id_.store(place_.interpreter_id, std::memory_order_release);
  return core::nothing{};
}

core::result<> lane::prepare(const gil& held) {
  place_.interruption = ref::steal(PyErr_NewExceptionWithDoc(
      "fasterapi.Interrupted", "The deadline of the running work has passed.", PyExc_BaseException, nullptr));
  place_.functions = ref::steal(PyDict_New());
  if (!place_.interruption || !place_.functions) return error::take(held).as_core();
  return crew_.plan().prepare ? crew_.plan().prepare(held, place_) : core::nothing{};
}

void lane::leave_interpreter() noexcept {
  PyThreadState* const own = std::exchange(first_, nullptr);
  if (own == nullptr) return;
  bool safe = true;
  {
    const GILGuard held(own);
    PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), nullptr);
    if (crew_.plan().finish) crew_.plan().finish(held, place_);
    place_.data = {};
    place_.functions = {};
    place_.interruption = {};
    safe = !own_ || settle_threads(held);
  }
  if (!own_) return in_main_.reset();
  PyEval_RestoreThread(own);
  if (safe) {
    own_->end();
  } else {
    own_->abandon();
  }
}

// ---- running jobs

// Attached while one job follows the other, detached while there is none.
void lane::work(worker& self, PyThreadState* thread) {
  self.raised.bind(thread);
  tally& counts = position_.counts;
  while (!leaving()) {
    job* next = crew_.take(position_, self.turn);
    if (next == nullptr) next = crew_.await(position_, *this, self.spot, self.turn);
    if (next == nullptr) break;
    self.taken.store(next, std::memory_order_seq_cst);
    if (leaving()) {
      // Whoever gave this lane up may have looked before: nothing is to wait for a GIL that is stuck.
      crew_.take_back(position_, reclaim());
      break;
    }
    const int64_t wanted_ns = core::monotonic_ns();
    {
      const GILGuard held(thread);
      counts.gil_wait.record(core::monotonic_ns() - wanted_ns);
      while (next != nullptr) {
        if (job* mine = self.taken.exchange(nullptr, std::memory_order_acq_rel)) execute(self, *mine, held);
        next = leaving() ? nullptr : crew_.take(position_, self.turn);
        self.taken.store(next, std::memory_order_seq_cst);
      }
    }
  }
  // What this thread may have been woken for is for another one.
  crew_.announce(position_, false);
}

void lane::execute(worker& self, job& next, const gil& held) noexcept {
  tally& counts = position_.counts;
  self.current.store(&next, std::memory_order_seq_cst);
  auto waiting = job::stage::starting;
  if (next.at_.compare_exchange_strong(waiting, job::stage::running, std::memory_order_acq_rel)) {
    const int64_t begun_ns = core::monotonic_ns();
    counts.queue_wait.record(begun_ns - next.submitted_ns_);
    counts.running.fetch_add(1, std::memory_order_relaxed);
    const bool succeeded = next.run(held, place_);
    {
      const std::lock_guard alone(self.interrupting);
      self.current.store(nullptr, std::memory_order_seq_cst);
    }
    if (self.raised.settle()) give_back_import_locks(held);
    counts.running.fetch_sub(1, std::memory_order_relaxed);
    counts.run_time.record(core::monotonic_ns() - begun_ns);
    counts.executed.fetch_add(1, std::memory_order_relaxed);
    if (!succeeded) counts.failed.fetch_add(1, std::memory_order_relaxed);
    crew_.finished(next);
    next.publish();
  } else {
    self.current.store(nullptr, std::memory_order_seq_cst);
  }
  next.release();
}

// ---- interruptions

bool lane::runs(const job& work) const noexcept {
  return std::any_of(workers_.begin(), workers_.end(),
                     [&](const auto& each) { return each->current.load(std::memory_order_seq_cst) == &work; });
}

std::vector<job*> lane::reclaim() {
  std::vector<job*> given_back;
  for (const auto& each : workers_) {
    job* waits = each->taken.exchange(nullptr, std::memory_order_seq_cst);
    if (waits == nullptr) continue;
    auto starting = job::stage::starting;
    if (waits->at_.compare_exchange_strong(starting, job::stage::queued, std::memory_order_acq_rel)) {
      given_back.push_back(waits);
    } else {
      waits->release();
    }
  }
  return given_back;
}

void lane::enter_phase(phase next) {
  const std::lock_guard lock(mutex_);
  now_ = next;
  wanted_.notify_all();
}

bool lane::finishing() {
  const std::lock_guard lock(mutex_);
  return now_ == phase::finishing;
}

void lane::interrupt(job* work) {
  const std::lock_guard lock(mutex_);
  if (now_ != phase::working) return;
  if (!interrupter_.joinable()) {
    auto started = core::thread::start("interrupter", [this] { run_interrupter(); });
    if (!started.ok()) return;
    interrupter_ = started.take();
  }
  if (work == nullptr) {
    interrupt_all_ = true;
  } else {
    work->retain();
    to_interrupt_.push_back(work);
  }
  wanted_.notify_one();
}

// A thread of its own, because entering the interpreter waits for as long as the code to be interrupted keeps its GIL.
void lane::run_interrupter() {
  std::optional<thread_state> state(std::in_place, state_);
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return now_ != phase::working || interrupt_all_ || !to_interrupt_.empty(); });
    const auto wanted = std::exchange(to_interrupt_, {});
    const bool all = std::exchange(interrupt_all_, false);
    const bool ends = now_ != phase::working;
    lock.unlock();
    if (!ends) {
      const GILGuard held(*state);
      for (const auto& each : workers_) {
        const std::lock_guard alone(each->interrupting);
        const job* current = each->current.load(std::memory_order_seq_cst);
        const bool meant = all || std::find(wanted.begin(), wanted.end(), current) != wanted.end();
        if (current != nullptr && meant) each->raised.raise(place_.interruption.get(), core::monotonic_ns());
      }
    }
    for (job* each : wanted) each->release();
    if (ends) break;
    lock.lock();
  }
  state.reset();
}

}  // namespace fasterapi::python
