#include "bindings/loop.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "bindings/call_pool.h"
#include "bindings/dispatch.h"
#include "bindings/guest_inbox.h"
#include "bindings/handle.h"
#include "bindings/pinned_worker.h"
#include "bindings/raise.h"
#include "bindings/request_task.h"
#include "bindings/routes.h"
#include "bindings/settings.h"
#include "core/clock.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

constexpr size_t few_timers = 64;  // below it, cancelled timers are left where they are until they are due

loop_object* self_of(PyObject* object) noexcept { return reinterpret_cast<loop_object*>(object); }
PyObject* as_object(void* object) noexcept { return static_cast<PyObject*>(object); }
double now_seconds() noexcept { return static_cast<double>(core::monotonic_ns()) / 1e9; }

bool later(const loop_core::timer& left, const loop_core::timer& right) noexcept {
  if (left.when != right.when) return left.when > right.when;
  return left.sequence > right.sequence;
}

// ---- lifetime

void stop_watching(loop_core* core) {
  if (core->watched_by != nullptr) core->watched_by->unwatch(*core->hold);
  core->watched_by.reset();
  core->deadlines.reset();
}

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) {
  const ref made = ref::steal(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  self_of(made.get())->core = new (std::nothrow) loop_core();
  if (self_of(made.get())->core == nullptr) return PyErr_NoMemory();
  loop_core& core = *self_of(made.get())->core;
  core.state = core.here.state = &state_of_type(type);
  core.here.loop = self_of(made.get());
  core.here.drives_loop = true;
  return Py_NewRef(made.get());
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  loop_core* core = self_of(object)->core;
  if (core == nullptr) return 0;
  for (size_t i = 0; i < core->ready.size(); ++i) Py_VISIT(core->ready.at(i));
  for (const loop_core::timer& entry : core->timers) Py_VISIT(as_object(entry.handle));
  if (const int stop = core->inbox.traverse(visit, arg)) return stop;
  Py_VISIT(as_object(core->here.routes));
  Py_VISIT(core->here.app);
  return 0;
}

int clear(PyObject* object) {
  loop_core* core = self_of(object)->core;
  if (core == nullptr) return 0;
  core->inbox.close();
  while (!core->ready.empty()) Py_DECREF(core->ready.pop());
  std::vector<loop_core::timer> timers = std::move(core->timers);
  core->timers.clear();
  for (const loop_core::timer& entry : timers) {
    entry.handle->scheduled = false;
    Py_DECREF(as_object(entry.handle));
  }
  if (core->guests != nullptr) core->guests->close();
  core->guests.reset();
  stop_watching(core);
  core->hold.reset();
  server::shard::retire(std::move(core->shard));
  core->pool.reset();
  core->descriptors.reset();
  Py_CLEAR(core->here.routes);
  Py_CLEAR(core->here.app);
  return 0;
}

void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  if (self_of(object)->weak_references != nullptr) PyObject_ClearWeakRefs(object);
  clear(object);
  delete self_of(object)->core;
  type->tp_free(object);
  Py_DECREF(type);
}

// ---- scheduling

// Takes `context=` out of a vectorcall's keyword arguments. False with a Python error set for any other keyword.
bool read_context(const char* name, PyObject* const* args, Py_ssize_t count, PyObject* keywords, PyObject** context) {
  *context = nullptr;
  if (keywords == nullptr) return true;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); ++i) {
    if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, i), "context") != 0) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R", name, PyTuple_GET_ITEM(keywords, i));
      return false;
    }
    *context = args[count + i];
  }
  return true;
}

bool check_open(loop_object* self) {
  if (self->core->shard != nullptr) [[likely]]
    return true;
  PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
  return false;
}

PyObject* call_soon(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  loop_object* self = self_of(object);
  PyObject* context;
  if (!read_context("call_soon", args, count, keywords, &context) || !check_open(self)) return nullptr;
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "call_soon() takes a callback");
    return nullptr;
  }
  handle_object* made = make_handle(state_of_loop(self_of(object)), self, args[0], args + 1, count - 1, context);
  if (made == nullptr) return nullptr;
  push_ready(self, Py_NewRef(as_object(made)));
  return as_object(made);
}

PyObject* call_soon_threadsafe(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  loop_object* self = self_of(object);
  loop_core& core = *self->core;
  if (core.thread_id.load(std::memory_order_relaxed) == PyThread_get_thread_ident()) {
    return call_soon(object, args, count, keywords);  // in order with others of this thread
  }
  PyObject* context;
  if (!read_context("call_soon_threadsafe", args, count, keywords, &context)) return nullptr;
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "call_soon_threadsafe() takes a callback");
    return nullptr;
  }
  handle_object* made = make_handle(state_of_loop(self), self, args[0], args + 1, count - 1, context);
  if (made == nullptr) return nullptr;
  if (core.inbox.post(Py_NewRef(as_object(made)))) return as_object(made);
  Py_DECREF(as_object(made));
  Py_DECREF(as_object(made));
  PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
  return nullptr;
}

PyObject* schedule(loop_object* self, double due, PyObject* const* args, Py_ssize_t count, PyObject* context) {
  handle_object* made = make_handle(state_of_loop(self), self, args[1], args + 2, count - 2, context);
  if (made == nullptr) return nullptr;
  made->when = due;
  made->scheduled = true;
  loop_core& core = *self->core;
  core.timers.push_back({due, core.timer_sequence++, reinterpret_cast<handle_object*>(Py_NewRef(as_object(made)))});
  std::push_heap(core.timers.begin(), core.timers.end(), later);
  return as_object(made);
}

PyObject* call_timed(const char* name, double from, PyObject* object, PyObject* const* args, Py_ssize_t count,
                     PyObject* keywords) {
  loop_object* self = self_of(object);
  PyObject* context;
  if (!read_context(name, args, count, keywords, &context) || !check_open(self)) return nullptr;
  if (count < 2) {
    PyErr_Format(PyExc_TypeError, "%s() takes a time and a callback", name);
    return nullptr;
  }
  const double seconds = PyFloat_AsDouble(args[0]);
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) return nullptr;
  if (std::isnan(seconds)) {
    PyErr_Format(PyExc_ValueError, "%s() takes a time, not NaN", name);
    return nullptr;
  }
  return schedule(self, from + seconds, args, count, context);
}

PyObject* call_later(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return call_timed("call_later", now_seconds(), object, args, count, keywords);
}

PyObject* call_at(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return call_timed("call_at", 0, object, args, count, keywords);
}

PyObject* time(PyObject*, PyObject*) { return PyFloat_FromDouble(now_seconds()); }

PyObject* push_ready_handle(PyObject* object, PyObject* handle) {
  push_ready(self_of(object), Py_NewRef(handle));
  Py_RETURN_NONE;
}

// Drops cancelled timers once they are most of the heap: code that sets a timeout for each of many quick things would
// otherwise keep them all until they are due.
void sweep_timers(loop_core& core) {
  const size_t cancelled = core.cancelled_timers.load(std::memory_order_relaxed);
  if (core.timers.size() < few_timers || cancelled * 2 < core.timers.size()) return;
  const auto dead = std::partition(core.timers.begin(), core.timers.end(),
                                   [](const loop_core::timer& entry) { return !entry.handle->cancelled; });
  std::vector<loop_core::timer> dropped(dead, core.timers.end());
  core.timers.erase(dead, core.timers.end());
  std::make_heap(core.timers.begin(), core.timers.end(), later);
  core.cancelled_timers.store(0, std::memory_order_relaxed);
  for (const loop_core::timer& entry : dropped) {
    entry.handle->scheduled = false;
    Py_DECREF(as_object(entry.handle));
  }
}

void take_due_timers(loop_object* self) {
  loop_core& core = *self->core;
  if (core.timers.empty()) return;
  sweep_timers(core);
  // asyncio's clock resolution: a timer that is due within it is due.
  const double now = now_seconds() + 1e-9;
  while (!core.timers.empty() && (core.timers.front().when <= now || core.timers.front().handle->cancelled)) {
    std::pop_heap(core.timers.begin(), core.timers.end(), later);
    handle_object* due = core.timers.back().handle;
    core.timers.pop_back();
    due->scheduled = false;
    if (due->cancelled) {
      const size_t cancelled = core.cancelled_timers.load(std::memory_order_relaxed);
      if (cancelled > 0) core.cancelled_timers.store(cancelled - 1, std::memory_order_relaxed);
      Py_DECREF(as_object(due));
    } else {
      push_ready(self, as_object(due));
    }
  }
}

// ---- the running loop

void announce_running(loop_object* self, bool shown) {
  PyObject* announced = shown ? as_object(self) : Py_None;
  if (ref::steal(PyObject_CallOneArg(state_of_loop(self).asyncio.set_running_loop, announced))) {
    self->core->is_shown = shown;
  } else {
    PyErr_WriteUnraisable(as_object(self));
  }
}

// ---- one turn

// How long the turn may wait for I/O, in ms; -1 without end.
int64_t patience_ms(const loop_object* self) {
  loop_core& core = *self->core;
  if (self->stopping || !core.ready.empty() || core.inbox.has_items() || core.shard->has_pending_work()) return 0;
  if (core.timers.empty()) return -1;
  const double left = core.timers.front().when - now_seconds();
  if (left <= 0) return 0;
  return left > 3600 ? 3'600'000 : static_cast<int64_t>(std::ceil(left * 1000));
}

void take_posted(loop_object* self) {
  if (!self->core->inbox.has_items()) [[likely]]
    return;
  for (PyObject* item : self->core->inbox.take()) push_ready(self, item);
}

bool run_ready(loop_object* self) {
  loop_core& core = *self->core;
  if (!core.ready.empty()) show_loop(self);
  module_state& state = state_of_loop(self);
  for (size_t left = core.ready.size(); left > 0; --left) {
    const ref item = ref::steal(core.ready.pop());
    PyTypeObject* type = Py_TYPE(item.get());
    core.hold->leave(nullptr);
    bool going_on = true;
    if (type == state.handle_type) {
      going_on = run_handle(reinterpret_cast<handle_object*>(item.get()));
    } else if (type == state.request_task_type) {
      resume_request(item.get());
    } else {
      // A handle of asyncio's own, made by add_reader and friends.
      going_on = static_cast<bool>(ref::steal(PyObject_CallMethod(item.get(), "_run", nullptr)));
    }
    if (!going_on) return false;
  }
  return true;
}

// Descriptors that asyncio watches: as selectors.SelectorKey events for BaseSelectorEventLoop._process_events.
bool report_ready_descriptors(loop_object* self) {
  if (!self->core->shard->watched_is_ready()) [[likely]]
    return true;
  const ref list = ref::steal(PyList_New(0));
  if (!list) return false;
  show_loop(self);
  self->core->hold->leave(nullptr);
  for (const epoll_event& one : self->core->descriptors->wait(0)) {
    if (one.data.u64 == net::poller::wake_tag) continue;
    // selectors.EVENT_READ is 1, EVENT_WRITE is 2; trouble wakes both sides, as in selectors.EpollSelector.
    const int events =
        ((one.events & ~uint32_t{EPOLLOUT}) != 0 ? 1 : 0) | ((one.events & ~uint32_t{EPOLLIN}) != 0 ? 2 : 0);
    const ref pair = ref::steal(Py_BuildValue("(ii)", static_cast<int>(one.data.u64), events));
    if (!pair || PyList_Append(list.get(), pair.get()) != 0) return false;
  }
  return static_cast<bool>(ref::steal(PyObject_CallMethod(as_object(self), "_process_ready", "O", list.get())));
}

// Whether the handler of a call is to run in the pool: because its route's handlers do, or because those of this turn
// have kept the shard for long already.
bool goes_to_pool(const loop_core& core, const server::call& next) noexcept {
  if (next.refused.status != 0) return false;
  const auto has_idle_thread = [&core] { return core.pool->has_idle_thread(); };
  return core.pool->where().where(next.matched.route, core.busy, has_idle_thread) == server::placement::site::pool;
}

// The requests of this turn; false: there were none.
bool take_calls(loop_object* self) {
  loop_core& core = *self->core;
  server::shard& shard = *core.shard;
  bool any = false;
  if (core.pool == nullptr) {
    while (server::call* next = shard.next_call()) {
      any = true;
      run_call(core.here, *next);
      enter_shard(self);
    }
    return any;
  }
  core.busy.begin_turn();
  while (server::call* next = shard.next_call()) {
    any = true;
    if (goes_to_pool(core, *next)) {
      shard.delegate(*next, *core.pool);
      continue;
    }
    const uint32_t route = next->matched.route;
    const bool is_routed = next->refused.status == 0;
    core.busy.begin(is_routed && core.pool->where().is_measured(route), core.hold->returned());
    run_call(core.here, *next);
    enter_shard(self);
    const int64_t run_ns = core.busy.end(core.hold->returned(), shard.last_answer());
    if (is_routed) core.pool->where().ran_on_shard(route, run_ns);
  }
  return any;
}

enum class turn_end : uint8_t { idle, busy, failed };

// One turn: I/O, requests, timers, callbacks. `failed` with a Python error set; `idle` where no request came.
turn_end run_turn(loop_object* self) {
  server::shard& shard = *self->core->shard;
  const int64_t patience = patience_ms(self);
  if (patience == 0) {
    shard.wait(0);
  } else {
    core::ticks waited;  // empty: it is not measured
    Py_BEGIN_ALLOW_THREADS shard.wait(patience);
    if (shard.measures_turn()) waited = shard.turn_began();
    self->core->hold->leave_for_gil();  // another thread may keep it for long
    Py_END_ALLOW_THREADS if (!waited.empty()) {
      shard.counts().gil_wait.record_alone(core::ticks::now().ns_since(waited));
    }
    enter_shard(self);
  }
  const bool any = take_calls(self);
  while (server::call* gone = shard.next_cancelled()) {
    show_loop(self);
    self->core->hold->leave(nullptr);
    if (gone->handler != nullptr) cancel_request(as_object(gone->handler));
    enter_shard(self);
  }
  if (self->core->guests != nullptr && !self->core->guests->empty()) {
    show_loop(self);
    self->core->guests->deliver();
    enter_shard(self);
  }
  const bool reported = report_ready_descriptors(self);
  enter_shard(self);
  if (!reported) return turn_end::failed;
  take_posted(self);
  take_due_timers(self);
  const bool going_on = run_ready(self);
  enter_shard(self);
  if (!going_on) return turn_end::failed;
  const auto tell = [self](const char* method) {
    return static_cast<bool>(ref::steal(PyObject_CallMethod(as_object(self), method, nullptr)));
  };
  if (shard.drained() && !tell("_on_drained")) return turn_end::failed;
  const bool all_left = self->core->guests != nullptr && self->core->guests->all_left();
  if (all_left && !tell("_on_guests_left")) return turn_end::failed;
  return any ? turn_end::busy : turn_end::idle;
}

// Turns of the loop, until one brings no request: what Python does between them costs as much as a short one. Signals
// and the other threads of the interpreter need that all the same.
PyObject* run_once(PyObject* object, PyObject*) {
  constexpr int turns_max = 64;
  loop_object* self = self_of(object);
  if (!check_open(self)) return nullptr;
  self->core->thread_id.store(PyThread_get_thread_ident(), std::memory_order_relaxed);
  auto end = run_turn(self);
  for (int i = 1; i < turns_max && end == turn_end::busy && !self->stopping; ++i) end = run_turn(self);
  if (end == turn_end::failed) return nullptr;
  Py_RETURN_NONE;
}

// ---- the selector

PyObject* watch(PyObject* object, PyObject* args) {
  int fd;
  int events;
  int operation;
  if (!PyArg_ParseTuple(args, "iii", &operation, &fd, &events) || !check_open(self_of(object))) return nullptr;
  net::poller& descriptors = *self_of(object)->core->descriptors;
  const auto tag = static_cast<uint64_t>(fd);
  const uint32_t mask = ((events & 1) != 0 ? uint32_t{EPOLLIN} : 0) | ((events & 2) != 0 ? uint32_t{EPOLLOUT} : 0);
  const bool done = operation == 0   ? descriptors.add(fd, mask, tag)
                    : operation == 1 ? descriptors.modify(fd, mask, tag)
                                     : descriptors.remove(fd);
  if (!done) return PyErr_SetFromErrno(PyExc_OSError);
  Py_RETURN_NONE;
}

PyObject* open_shard(PyObject* object, PyObject* settings) {
  loop_object* self = self_of(object);
  server::config config;
  if (!read_settings(settings, config)) return nullptr;
  auto made = server::shard::create(config);
  if (!made.ok()) return raise_error(made.failure());
  auto descriptors = net::poller::create();
  if (!descriptors.ok()) return raise_error(descriptors.failure());
  loop_core& core = *self->core;
  core.shard = made.take();
  core.pool_only = config.pool_only;
  core.here.reader = &core.reader.emplace(config.bounds.json_depth_max);
  core.descriptors.emplace(descriptors.take());
  core.thread_id.store(PyThread_get_thread_ident(), std::memory_order_relaxed);
  core.inbox.open(*core.descriptors);
  if (!core.shard->watch(core.descriptors->fd())) return PyErr_SetFromErrno(PyExc_OSError);
  const auto interrupt = [&core](uint64_t section) { return core.deadlines->request(section); };
  const auto stuck = [&core] {
    if (pinned_worker* here = core.worker.load(std::memory_order_acquire)) here->note_stuck(true);
    constexpr std::string_view line = "{\"stuck\": true}\n";
    const int reports = core.stuck_reports.load(std::memory_order_acquire);
    // Short enough for a pipe to take it whole; without a reader nobody needs to know.
    if (reports >= 0 && ::write(reports, line.data(), line.size()) < 0) core.stuck_reports = -1;
  };
  const auto recovered = [&core] {
    if (pinned_worker* here = core.worker.load(std::memory_order_acquire)) here->note_stuck(false);
  };
  core.hold.emplace(*core.shard, server::lease::hooks{interrupt, stuck, recovered});
  Py_RETURN_NONE;
}

// ---- serving

// From a set of status codes. False with a Python error set.
bool read_intercepted(PyObject* statuses, server::application& into) {
  const auto has = [statuses](long status) {
    const ref number = ref::steal(PyLong_FromLong(status));
    return number ? PySet_Contains(statuses, number.get()) : -1;
  };
  const int not_found = has(404);
  const int method = has(405);
  const int unprocessable = has(422);
  // Where workers share an app, the first one has set this, and may be reading it.
  const auto set = [](bool& flag, bool to) {
    if (flag != to) flag = to;
  };
  set(into.intercepts_not_found, not_found == 1);
  set(into.intercepts_method, method == 1);
  set(into.intercepts_unprocessable, unprocessable == 1);
  return not_found >= 0 && method >= 0 && unprocessable >= 0;
}

// Lets the pool of this worker, if there is one, have calls.
bool use_pool(loop_core& core) {
  const std::shared_ptr<call_pool> pool = call_pool::here();
  if (pool == nullptr) return true;
  std::vector<server::placement::route_facts> facts;
  const auto& routes = application_of(core.here.routes).routes;
  for (size_t i = 0; i < routes.size(); ++i) {
    const char* label = PyUnicode_AsUTF8(entry_of(core.here.routes, static_cast<uint32_t>(i)).label.get());
    if (label == nullptr) return false;
    const server::run_mode run = core.pool_only ? server::run_mode::pooled : routes[i].run;
    facts.push_back({label, run, routes[i].is_async});
  }
  // Calls go there by their routes' numbers. A worker with other routes is not kept once it has announced them.
  if (!pool->where().define(facts)) return true;
  core.pool = pool;
  core.hold->set_runner(pool.get());
  return true;
}

// What handlers are given, whosever calls they answer. False with a Python error set.
bool furnish(loop_core& core, PyObject* app, PyObject* routes, PyObject* intercepted, bool keeps_requests) {
  Py_XSETREF(core.here.routes, reinterpret_cast<routes_object*>(Py_NewRef(routes)));
  Py_XSETREF(core.here.app, Py_NewRef(app));
  core.here.keeps_requests = keeps_requests;
  return read_intercepted(intercepted, mutable_application_of(core.here.routes));
}

// For a loop that serves nothing itself.
PyObject* host_guests(PyObject* object, PyObject* args) {
  loop_object* self = self_of(object);
  PyObject *app, *routes, *intercepted;
  if (!PyArg_ParseTuple(args, "OO!O", &app, state_of_loop(self).routes_type, &routes, &intercepted) ||
      !check_open(self) || !furnish(*self->core, app, routes, intercepted, true)) {
    return nullptr;
  }
  self->core->guests = std::make_shared<guest_inbox>(self);
  self->core->deadlines.emplace(*self->core->hold, state_of_loop(self).request_timeout);
  Py_RETURN_NONE;
}

// What follows is for a loop that hosts guests.

PyObject* dismiss_guests(PyObject* object, PyObject*) {
  if (self_of(object)->core->guests != nullptr) self_of(object)->core->guests->dismiss();
  Py_RETURN_NONE;
}

template <size_t (guest_inbox::*End)()>
PyObject* end_guests(PyObject* object, PyObject*) {
  const std::shared_ptr<guest_inbox> guests = self_of(object)->core->guests;
  const size_t count = guests == nullptr ? 0 : ((*guests).*End)();
  if (guests != nullptr) enter_shard(self_of(object));
  return PyLong_FromSize_t(count);
}

PyObject* report_spoiled(PyObject* object, PyObject*) {
  const std::function<bool()> told = self_of(object)->core->spoiled;
  bool is_heard = true;
  Py_BEGIN_ALLOW_THREADS if (told) is_heard = told();
  Py_END_ALLOW_THREADS return PyBool_FromLong(is_heard);
}

PyObject* serve(PyObject* object, PyObject* args) {
  loop_object* self = self_of(object);
  PyObject* app;
  PyObject* routes;
  PyObject* intercepted;
  int keeps_requests;
  int descriptor;
  int backlog;
  if (!PyArg_ParseTuple(args, "OO!Opii", &app, state_of_loop(self_of(object)).routes_type, &routes, &intercepted,
                        &keeps_requests, &descriptor, &backlog) ||
      !check_open(self)) {
    return nullptr;
  }
  auto listener = net::listener::adopt(descriptor, backlog);
  if (!listener.ok()) return raise_error(listener.failure());
  if (!furnish(*self->core, app, routes, intercepted, keeps_requests != 0)) return nullptr;
  auto opened = self->core->shard->serve(application_of(self->core->here.routes), listener.take());
  if (!opened.ok()) return raise_error(opened.failure());
  if (!use_pool(*self->core)) return nullptr;
  self->core->deadlines.emplace(*self->core->hold, state_of_loop(self).request_timeout);
  auto watching = server::monitor::of_this_process();
  if (!watching.ok()) return raise_thread_shortage(watching.failure());
  self->core->watched_by = watching.take();
  self->core->watched_by->watch(*self->core->hold);
  return PyLong_FromLong(self->core->shard->local().port());
}

// What any thread may ask of the shard, which may be gone already.

PyObject* request_stop(PyObject* object, PyObject*) {
  if (server::shard* shard = self_of(object)->core->shard.get()) shard->request_stop();
  Py_RETURN_NONE;
}

PyObject* request_drain(PyObject* object, PyObject*) {
  if (server::shard* shard = self_of(object)->core->shard.get()) shard->request_drain();
  Py_RETURN_NONE;
}

PyObject* add_listener(PyObject* object, PyObject* args) {
  int key;
  int descriptor;
  int backlog;
  if (!PyArg_ParseTuple(args, "iii", &key, &descriptor, &backlog)) return nullptr;
  auto other = net::listener::adopt(descriptor, backlog);
  if (!other.ok()) return raise_error(other.failure());
  if (server::shard* shard = self_of(object)->core->shard.get()) shard->add_listener(key, other.take());
  Py_RETURN_NONE;
}

PyObject* remove_listener(PyObject* object, PyObject* key) {
  const long number = PyLong_AsLong(key);
  if (number == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (server::shard* shard = self_of(object)->core->shard.get()) shard->remove_listener(static_cast<int>(number));
  Py_RETURN_NONE;
}

PyObject* wake_loop(PyObject* object, PyObject*) {
  // A loop that is being closed has nobody to wake.
  if (self_of(object)->core->descriptors) self_of(object)->core->descriptors->wake();
  Py_RETURN_NONE;
}

PyObject* request_count(PyObject* object, PyObject*) {
  if (!check_open(self_of(object))) return nullptr;
  return PyLong_FromUnsignedLongLong(self_of(object)->core->shard->counts().requests.value());
}

PyObject* report_stuck_to(PyObject* object, PyObject* descriptor) {
  const long fd = PyLong_AsLong(descriptor);
  if (fd == -1 && PyErr_Occurred() != nullptr) return nullptr;
  self_of(object)->core->stuck_reports.store(static_cast<int>(fd), std::memory_order_release);
  Py_RETURN_NONE;
}

PyObject* close_shard(PyObject* object, PyObject*) {
  clear(object);
  Py_RETURN_NONE;
}

template <typename Function>
PyCFunction as_method(Function function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"call_soon", as_method(call_soon), METH_FASTCALL | METH_KEYWORDS, "Run callback(*args) in the next turn."},
    {"call_soon_threadsafe", as_method(call_soon_threadsafe), METH_FASTCALL | METH_KEYWORDS,
     "Run callback(*args) in the next turn. Any thread."},
    {"call_later", as_method(call_later), METH_FASTCALL | METH_KEYWORDS, "Run callback(*args) after a delay in s."},
    {"call_at", as_method(call_at), METH_FASTCALL | METH_KEYWORDS, "Run callback(*args) at a time of this clock."},
    {"time", time, METH_NOARGS, "The loop's monotonic clock, in s."},
    {"_run_once", run_once, METH_NOARGS, "A turn, or some while requests come: I/O, requests, timers, callbacks."},
    {"_push_ready", push_ready_handle, METH_O, "Run a handle in the next turn."},
    {"_watch", watch, METH_VARARGS, "Add (0), modify (1) or remove (2) a watched descriptor."},
    {"_open_shard", open_shard, METH_O, "Make the shard, from the configuration as a dict."},
    {"_close_shard", close_shard, METH_NOARGS, "Close every connection and drop every callback."},
    {"_serve", serve, METH_VARARGS,
     "Serve an app from a listening socket: (app, routes, intercepted, keeps_requests, descriptor, backlog) -> port."},
    {"_write_to_self", wake_loop, METH_NOARGS, "Make a wait in progress, or else the next one, return. Any thread."},
    {"_report_stuck_to", report_stuck_to, METH_O,
     "Tell of a handler that nothing interrupts by a line of JSON, {\"stuck\": true}, to a descriptor."},
    {"_host_guests", host_guests, METH_VARARGS,
     "Run coroutines of the pool's calls, for an app: (app, routes, intercepted)."},
    {"_dismiss_guests", dismiss_guests, METH_NOARGS,
     "Begin none of them any more; _on_guests_left() follows in each turn once all have ended."},
    {"_cancel_guests", end_guests<&guest_inbox::cancel_all>, METH_NOARGS,
     "Cancel those that have not ended; how many."},
    {"_drop_guests", end_guests<&guest_inbox::drop_all>, METH_NOARGS,
     "Answer 503 for those that have not ended, and let go of them; how many."},
    {"_report_spoiled", report_spoiled, METH_NOARGS,
     "Let another interpreter take the place of this one; False: ask again."},
    {"_request_stop", request_stop, METH_NOARGS,
     "Let nobody connect any more; _on_drained() follows when all requests are answered."},
    {"_request_count", request_count, METH_NOARGS, "How many requests came so far. The loop's thread."},
    {"_request_drain", request_drain, METH_NOARGS, "The same, leaving the listeners to others."},
    {"_add_listener", add_listener, METH_VARARGS,
     "Accept from another listening socket too: (key, descriptor, backlog)."},
    {"_remove_listener", remove_listener, METH_O, "Accept no longer from the one that was added by that key."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", Py_T_PYSSIZET, offsetof(loop_object, weak_references), Py_READONLY, nullptr},
    {"_stopping", Py_T_BOOL, offsetof(loop_object, stopping), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("The C++ half of a worker's event loop.")},
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {
    .name = "fasterapi._engine.LoopBase",
    .basicsize = sizeof(loop_object),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

}  // namespace

int add_loop(PyObject* module, module_state& state) {
  state.loop_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  if (state.loop_type == nullptr) return -1;
  return PyModule_AddType(module, state.loop_type);
}

void note_cancelled_timer(loop_object* loop) {
  std::atomic<size_t>& count = loop->core->cancelled_timers;
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void enter_shard(loop_object* loop) {
  if (loop->core->hold->enter()) loop->core->deadlines->settle();
}

void show_loop(loop_object* loop) {
  if (!loop->core->is_shown) announce_running(loop, true);
}

void hide_loop(loop_object* loop) {
  if (loop->core->is_shown) announce_running(loop, false);
}

void push_ready(loop_object* loop, PyObject* item) { loop->core->ready.push(item); }

bool report_callback_error(loop_object* loop, PyObject* callback) {
  if (PyErr_ExceptionMatches(PyExc_SystemExit) || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) return false;
  const ref raised = ref::steal(PyErr_GetRaisedException());
  const ref text = ref::steal(PyUnicode_FromFormat("Exception in callback %R", callback));
  if (text) {
    const ref context = ref::steal(Py_BuildValue("{sOsO}", "message", text.get(), "exception", raised.get()));
    if (context && ref::steal(PyObject_CallMethod(as_object(loop), "call_exception_handler", "O", context.get()))) {
      return true;
    }
  }
  PyErr_WriteUnraisable(callback);
  return true;
}

}  // namespace fasterapi::bindings
