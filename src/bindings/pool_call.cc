#include "bindings/pool_call.h"

#include <utility>

#include "bindings/call_pool.h"
#include "bindings/dispatch.h"
#include "bindings/guest_inbox.h"
#include "bindings/loop.h"
#include "bindings/request.h"
#include "bindings/routes.h"
#include "json/reader.h"
#include "python/entered_context.h"
#include "server/connection.h"
#include "server/shard.h"

namespace fasterapi::bindings {

namespace {

endpoints ends_of(const server::call& guest, const server::shard& home) {
  endpoints found;
  found.local = home.local();
  found.has_peer = guest.origin != nullptr;
  if (found.has_peer) found.peer = guest.origin->peer;
  return found;
}

server::answer_view unavailable(std::string_view body) {
  server::answer_view given;
  given.status = 503;
  given.content_type = "application/json";
  given.body = body;
  given.close = true;
  return given;
}

}  // namespace

pool_call::pool_call(server::call& guest, server::shard& home, call_pool& pool)
    : home_(home), pool_(pool), ends_(ends_of(guest, home)) {
  to = &guest;
  if (guest.answer_by_ms != 0) deadline_ns = (guest.answer_by_ms + grace_ms) * 1'000'000;
  if (guest.origin == nullptr) given_up_ = true;
}

// ---- the driver's side

void pool_call::interrupt(bool timed_out) {
  std::shared_ptr<guest_inbox> inbox;
  {
    const std::lock_guard lock(mutex_);
    inbox = inbox_;
  }
  if (timed_out) timed_out_.store(true, std::memory_order_release);
  given_up_.store(true, std::memory_order_release);
  if (inbox != nullptr) inbox->cancel(*this, timed_out);
}

bool pool_call::overdue() {
  std::shared_ptr<guest_inbox> inbox;
  {
    const std::lock_guard lock(mutex_);
    inbox = inbox_;
  }
  // The crew sees to what runs as its job.
  return inbox == nullptr || inbox->give_up_loop_of(*this);
}

// ---- the handler's side

// Its coroutine, if it has one, has ended.
void pool_call::leave_loop() noexcept {
  if (guest_index_ != no_guest) inbox_->left(*this);
}

void pool_call::deliver(const server::answer_view& given) {
  leave_loop();
  measure();
  detach_request(*to);
  if (!given_up()) {
    set(given);
  } else if (timed_out()) {
    set_late();
  }
  pool_.ended();
  home_.post(*this);
}

void pool_call::deliver_error(std::string_view why) {
  leave_loop();
  detach_request(*to);
  set_error(std::string(why));
  pool_.ended();
  home_.post(*this);
}

void pool_call::deliver_lost() { deliver(unavailable(R"({"detail":"the handler's interpreter has ended"})")); }

bool pool_call::run(const python::gil&, python::place& here) noexcept {
  auto waiting = stage::waiting;
  if (!at_.compare_exchange_strong(waiting, stage::begun, std::memory_order_acq_rel)) return true;
  if (given_up()) {
    deliver({});
    return true;
  }
  run_handler(reinterpret_cast<loop_object*>(here.data.get())->core->here);
  if (PyErr_Occurred() != nullptr) PyErr_Clear();  // an interruption that came too late
  return true;
}

void pool_call::run_handler(const site& of_loop) {
  // The app's code can end the loop under its handlers: by SystemExit, for one.
  if (of_loop.routes == nullptr) return deliver_error("the loop of the handler's interpreter has ended");
  const auto routes = python::ref::share(reinterpret_cast<PyObject*>(of_loop.routes));
  const auto app = python::ref::share(of_loop.app);
  site here;
  here.state = of_loop.state;
  here.routes = of_loop.routes;
  here.app = of_loop.app;
  here.loop = of_loop.loop;
  here.keeps_requests = true;
  thread_local json::reader reader(of_loop.reader->depth_max());
  here.reader = &reader;
  begun_ = core::ticks::now();
  run_call(here, *to);
}

// The handler has come to its end: its answer is known.
void pool_call::measure() {
  if (begun_.empty() || handed_over_ || to->refused.status != 0) return;
  pool_.where().ran_in_pool(to->matched.route, core::ticks::now().ns_since(begun_));
}

// It will not be run, or runs on although its deadline has passed.
void pool_call::abandon(core::error why) noexcept {
  const bool late = why.code == core::errc::timed_out;
  if (late) timed_out_.store(true, std::memory_order_release);
  given_up_.store(true, std::memory_order_release);
  auto waiting = stage::waiting;
  if (!at_.compare_exchange_strong(waiting, stage::dropped, std::memory_order_acq_rel)) return;
  if (late) {
    set_late();
  } else {
    set(unavailable(R"({"detail":"the server is stopping"})"));
  }
  pool_.ended();
  home_.post(*this);
}

// ---- coroutines

bool pool_call::hand_over(const site& here, PyObject* coroutine, PyObject* context, outcome_kind kind) {
  const std::shared_ptr<guest_inbox> inbox = here.loop->core->guests;
  if (inbox == nullptr) return false;
  // This thread may be in that context still when the loop begins.
  context_ = PyContext_Copy(context);
  if (context_ == nullptr) return false;
  coroutine_ = Py_NewRef(coroutine);
  kind_ = kind;
  loop_ = here.loop;
  handed_over_ = true;
  {
    const std::lock_guard lock(mutex_);
    inbox_ = inbox;
  }
  if (inbox->begin(*this)) return true;
  handed_over_ = false;
  drop_coroutine();
  return false;
}

void pool_call::drop_coroutine() {
  Py_CLEAR(coroutine_);
  Py_CLEAR(context_);
}

void pool_call::end_with_loop() {
  ends_with_loop_ = true;
  if (task != nullptr) cancel_request(task);
}

void pool_call::drop_task() {
  const auto dropped = python::ref::steal(std::exchange(task, nullptr));
  if (dropped) drop_request(dropped.get());
  deliver_lost();
}

void pool_call::start_coroutine() {
  const python::ref coroutine = python::ref::steal(std::exchange(coroutine_, nullptr));
  const python::entered_context context(python::ref::steal(std::exchange(context_, nullptr)));
  if (given_up()) {
    if (!python::ref::steal(PyObject_CallMethod(coroutine.get(), "close", nullptr))) PyErr_Clear();
    return deliver({});
  }
  inbox_->entered(*this);
  if (!context) return fail_call(loop_->core->here, *to);
  leave_shard(loop_->core->here, *to);
  bindings::start_coroutine(loop_->core->here, *to, coroutine.get(), context.get(), kind_);
}

}  // namespace fasterapi::bindings
