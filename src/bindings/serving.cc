#include "bindings/serving.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/clock.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using worker_state = pinned_worker::state;

// Signals this close to the first are the same wish, told twice: to the process and to its group.
constexpr int64_t same_signal_ms = 100;

void say(std::string_view text) noexcept {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

[[noreturn]] void exit_now(int status) {
  std::fflush(nullptr);
  _exit(status);
}

bool is_over(const pinned_worker& one) {
  const worker_state now = one.now();
  return now == worker_state::ended || now == worker_state::failed;
}

bool is_serving(const pinned_worker& one) { return one.now() == worker_state::serving; }

// What to tell people where not all workers of a batch declare the same routes; empty where they do.
std::string difference_in(const std::vector<std::string>& routes) {
  const auto other =
      std::find_if(routes.begin(), routes.end(), [&](const std::string& one) { return one != routes[0]; });
  if (other == routes.end()) return {};
  return "worker " + std::to_string(other - routes.begin()) +
         " declares other routes than worker 0. The app's routes must not depend on the time, on chance, or on the "
         "worker\n";
}

std::vector<int> places_up_to(size_t count) {
  std::vector<int> all(count);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

serving::serving(std::unique_ptr<worker_pool> first, serving_plan plan, PyObject* on_ready, PyObject* on_event)
    : plan_(std::move(plan)),
      on_ready_(on_ready),
      on_event_(on_event),
      detached_(PyEval_SaveThread()),
      events_(std::make_shared<net::doorbell>()),
      signals_(server::signal_watch::reloads::yes) {
  batches_.push_back({std::move(first), purpose::first});
  batches_.back().workers->resize(plan_.count);
  put_to_work(batches_.back(), places_up_to(plan_.count));
}

serving::~serving() {
  batches_.clear();
  PyEval_RestoreThread(detached_);
  PyErr_SetRaisedException(raised_);
}

int serving::run() {
  while (!all_over()) {
    pollfd watched[] = {{events_->fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}};
    ::poll(watched, 2, static_cast<int>(patience_ms()));
    events_->still();
    take_signal();
    notice_failures();
    notice_replacements();
    notice_readiness();
    drop_ended();
    notice_stuck();
    if (stopping() && core::coarse_ms() >= stop_deadline_ms_ && !all_over()) {
      say("some requests did not end within the grace period: exiting without them\n");
      exit_now(1);
    }
  }
  notice_failures();
  end_interpreters();
  return status_;
}

// After the workers: what the app has left running, such as threads of its own, may keep their interpreters. With those
// Python could not end.
void serving::end_interpreters() {
  if (!stopping()) stop();
  for (;;) {
    for (batch& one : batches_) one.workers->close();
    std::erase_if(batches_, [](const batch& one) { return one.workers->has_ended(); });
    if (batches_.empty()) return;
    if (core::coarse_ms() >= stop_deadline_ms_ + end_margin_ms) {
      say("threads of the app did not end within the grace period: exiting without them\n");
      exit_now(1);
    }
    pollfd watched{signals_.fd(), POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(last_ending_pause_ms));
    take_signal();
  }
}

bool serving::all_over() const {
  return std::all_of(batches_.begin(), batches_.end(), [](const batch& one) { return one.workers->all(is_over); });
}

int64_t serving::patience_ms() const noexcept {
  const int64_t until_ms = stopping() ? stop_deadline_ms_ : next_try_ms_;
  if (until_ms < 0) return has_endings_ ? ending_pause_ms : -1;
  const int64_t left_ms = std::max<int64_t>(0, until_ms - core::coarse_ms());
  return has_endings_ ? std::min(left_ms, ending_pause_ms) : left_ms;
}

void serving::stop() {
  if (stopping()) return;
  stop_began_ms_ = core::coarse_ms();
  stop_deadline_ms_ = stop_began_ms_ + plan_.grace_ms;
  for (batch& one : batches_) {
    one.now = phase::ending;
    one.workers->request_stop();
  }
}

void serving::take_signal() {
  const int number = signals_.take();
  if (number == SIGHUP) return reload();
  if (number == 0) return;
  if (stopping() && core::coarse_ms() - stop_began_ms_ > same_signal_ms) exit_now(128 + number);
  stop();
}

// ---- batches

// A wish that comes while the last one is being fulfilled is for what the app is by then: it is remembered.
void serving::reload() {
  if (stopping()) return;
  if (plan_.make_workers == nullptr) return tell("cannot_reload", -1, {});
  reload_wanted_ = std::any_of(batches_.begin(), batches_.end(), [](const batch& one) {
    return one.what != purpose::substitute && one.now == phase::starting;
  });
  if (reload_wanted_) return;
  tell("reloading", -1, {});
  start(purpose::reload, places_up_to(plan_.count), nullptr);
}

void serving::start(purpose what, const std::vector<int>& places, pinned_worker* replaced) {
  std::unique_ptr<worker_pool> made = plan_.make_workers();
  made->resize(places.size());
  for (const batch& one : batches_) {
    if (replaced != nullptr && one.workers->has(*replaced)) made->share_call_pool(*one.workers);
  }
  batches_.push_back({std::move(made), what, replaced});
  put_to_work(batches_.back(), places);
}

void serving::put_to_work(batch& made, const std::vector<int>& places) {
  if (plan_.pool.threads > 0 && made.what != purpose::substitute) {
    made.workers->open_call_pool(plan_.pool, events_);
  }
  made.workers->assign(places, plan_.config, plan_.cpus, events_);
}

void serving::notice_failures() {
  for (batch& one : batches_) {
    const pinned_worker* failed = one.workers->failed();
    const std::string why = failed != nullptr ? failed->text() : one.workers->pool_failure();
    if (why.empty() || std::exchange(one.is_failure_told, true)) continue;
    if (stopping() || one.now == phase::ending) {
      // It failed while it ended.
      say(why);
      if (stopping() && status_ == 0) status_ = 1;
      continue;
    }
    if (one.what == purpose::first || one.now == phase::serving) {
      say(why);
      status_ = 1;
      return stop();
    }
    // What it was to replace goes on, and from the same sockets: those are not to be stopped.
    dismiss(one, failed != nullptr ? failed->index() : -1, why);
  }
}

// A batch is not to take the place of others after all.
void serving::dismiss(batch& failed, int worker, const std::string& why) {
  failed.now = phase::ending;
  failed.workers->request_drain();
  if (failed.what == purpose::reload) return tell("reload_failed", worker, why);
  const auto open =
      std::find_if(vacancies_.begin(), vacancies_.end(), [&](const vacancy& one) { return one.of == failed.replaced; });
  if (open != vacancies_.end()) open->next_try_ms = core::coarse_ms() + open->pauses.next();
  tell("not_replaced", worker, why);
}

void serving::notice_replacements() {
  for (const batch& one : batches_) {
    for (const replacement& each : one.workers->take_replacements()) {
      if (stopping()) return;
      tell(each.why.empty() ? "pool_replaced" : "pool_not_replaced", static_cast<int>(each.index), each.why);
    }
  }
}

void serving::notice_readiness() {
  for (batch& one : batches_) {
    if (one.now != phase::starting || stopping() || !one.workers->all(is_serving)) continue;
    if (!one.workers->pool_is_ready()) continue;
    if (const std::string objection = objection_to(one); !objection.empty()) {
      dismiss(one, one.what == purpose::substitute ? one.replaced->index() : -1, objection);
      continue;
    }
    one.now = phase::serving;
    settle(one);
    if (raised_ == nullptr) continue;
    status_ = 1;
    return stop();
  }
  if (std::exchange(reload_wanted_, false)) reload();
}

// Why a batch whose workers all listen may not take the place of others; empty: it may.
std::string serving::objection_to(const batch& ready) const {
  if (ready.what == purpose::first) return {};  // call_on_ready() looks at it
  std::vector<std::string> routes = ready.workers->routes();
  if (ready.what == purpose::reload) return difference_in(routes);
  if (is_serving(*ready.replaced)) routes.push_back(ready.replaced->text());
  return difference_in(routes).empty() ? "" : other_routes;
}

// A batch listens: those whose places it takes need not any more.
void serving::settle(batch& ready) {
  switch (ready.what) {
    case purpose::first:
      with_gil([&] { return call_on_ready(*ready.workers); });
      return;
    case purpose::substitute:
      ready.replaced->request_drain();
      return tell("replaced", ready.replaced->index(), {});
    case purpose::reload:
      for (batch& other : batches_) {
        if (&other == &ready) continue;
        other.now = phase::ending;
        other.workers->request_drain();
      }
      return tell("reloaded", -1, {});
  }
}

// Looks for the workers that are stuck, and for substitutes for them where there can be any.
void serving::notice_stuck() {
  const bool can_replace = plan_.make_workers != nullptr;
  next_try_ms_ = -1;
  if (stopping()) return;
  size_t stuck = 0;
  std::vector<vacancy> present;
  for (const batch& one : batches_) {
    one.workers->for_each([&](pinned_worker& each) {
      if (!each.is_stuck() || is_over(each)) return;
      ++stuck;
      if (one.now != phase::serving || each.is_to_end()) return;
      const auto known =
          std::find_if(vacancies_.begin(), vacancies_.end(), [&](const vacancy& open) { return open.of == &each; });
      present.push_back(known != vacancies_.end() ? *known : vacancy{&each});
    });
  }
  vacancies_ = std::move(present);
  for (vacancy& open : vacancies_) {
    if (!std::exchange(open.is_told, true)) tell(can_replace ? "stuck" : "stuck_among_others", open.of->index(), {});
    if (stopping()) return;
    if (can_replace && stuck <= stuck_max && !is_being_replaced(*open.of)) fill(open);
  }
}

bool serving::is_being_replaced(const pinned_worker& one) const {
  return std::any_of(batches_.begin(), batches_.end(),
                     [&](const batch& other) { return other.replaced == &one && other.now == phase::starting; });
}

// Starts a substitute, or sees to it that this is tried when it is time.
void serving::fill(const vacancy& open) {
  if (core::coarse_ms() >= open.next_try_ms) return start(purpose::substitute, {open.of->index()}, open.of);
  if (next_try_ms_ < 0 || open.next_try_ms < next_try_ms_) next_try_ms_ = open.next_try_ms;
}

// Lets go of those whose workers have ended, as soon as their interpreters have too.
void serving::drop_ended() {
  has_endings_ = false;
  if (stopping()) return;
  const auto is_done = [this](const batch& one) {
    const bool is_wanted = !one.workers->all([this](const pinned_worker& each) { return !is_being_replaced(each); });
    return !is_wanted && one.workers->all(is_over);
  };
  for (auto at = batches_.begin(); at != batches_.end();) {
    if (batches_.size() == 1 || !is_done(*at)) {
      ++at;
      continue;
    }
    at->workers->close();
    if (at->workers->has_ended()) {
      at = batches_.erase(at);
    } else {
      has_endings_ = true;
      ++at;
    }
  }
}

// ---- Python

// Runs `work`, which may leave a Python error: that stops the server.
bool serving::with_gil(const std::function<bool()>& work) {
  PyEval_RestoreThread(detached_);
  const bool done = work();
  if (!done && raised_ == nullptr) raised_ = PyErr_GetRaisedException();
  if (!done) PyErr_Clear();
  detached_ = PyEval_SaveThread();
  return done;
}

bool serving::call_on_ready(const worker_pool& ready) {
  const ref list = ref::steal(PyList_New(0));
  if (!list) return false;
  for (const std::string& one : ready.routes()) {
    const ref text = ref::steal(PyUnicode_FromStringAndSize(one.data(), static_cast<Py_ssize_t>(one.size())));
    if (!text || PyList_Append(list.get(), text.get()) != 0) return false;
  }
  return static_cast<bool>(ref::steal(PyObject_CallOneArg(on_ready_, list.get())));
}

void serving::tell(const char* what, int worker, const std::string& text) {
  with_gil([&] {
    return static_cast<bool>(ref::steal(
        PyObject_CallFunction(on_event_, "sis#", what, worker, text.data(), static_cast<Py_ssize_t>(text.size()))));
  });
  if (raised_ == nullptr || stopping()) return;
  status_ = 1;
  stop();
}

}  // namespace fasterapi::bindings
