#include "server/reactor.h"

#include <algorithm>
#include <coroutine>
#include <exception>
#include <span>
#include <utility>

#include "core/clock.h"

namespace fasterapi::server {

namespace {

constexpr size_t exchanges_max = 1 << 20;  // bounded before by connections, each of which has one request under way

bool is_bodiless(uint16_t status) noexcept { return status == 204 || status == 304; }

}  // namespace

// A coroutine that nobody waits for; it ends by itself.
struct reactor::detached {
  struct promise_type {
    detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// Goes on, on the reactor's thread, for a coroutine that was resumed on another one.
struct reactor::hop {
  reactor& to;

  bool await_ready() const noexcept { return std::this_thread::get_id() == to.thread_.load(std::memory_order_relaxed); }
  void await_suspend(std::coroutine_handle<> waiting) const noexcept {
    to.post([waiting] { waiting.resume(); });
  }
  void await_resume() const noexcept {}
};

core::result<std::unique_ptr<reactor>> reactor::create(const config& settings, const handler_table& handlers,
                                                       stop_periods periods) {
  std::unique_ptr<shard> driven = TRY(shard::create(settings));
  return std::unique_ptr<reactor>(new reactor(std::move(driven), handlers, periods));
}

reactor::reactor(std::unique_ptr<shard> driven, const handler_table& handlers, stop_periods periods) noexcept
    : shard_(std::move(driven)), handlers_(handlers), periods_(periods), exchanges_(exchanges_max) {}

reactor::~reactor() = default;

core::result<> reactor::listen(net::listener listener) { return shard_->serve(handlers_.routes, std::move(listener)); }

// ---- other threads

bool reactor::post(core::task work) noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  posted_.push_back(std::move(work));
  if (posted_.size() > 1) return true;
  has_posted_.store(true, std::memory_order_relaxed);
  if (std::this_thread::get_id() != thread_.load(std::memory_order_relaxed)) shard_->wake();
  return true;
}

void reactor::request_stop() noexcept { shard_->request_stop(); }

// ---- turns

void reactor::run(python_side* python) noexcept {
  python_ = python;
  thread_ = std::this_thread::get_id();
  while (!ended()) turn();
  refuse_posts();
}

void reactor::turn() noexcept {
  shard_->wait(patience_ms());
  while (call* next = shard_->next_call()) begin(*next);
  while (call* gone = shard_->next_cancelled()) static_cast<exchange*>(gone->handler)->cancel(unwanted_);
  tell_unwanted();
  run_posted();
}

// Whether the shard is stopped and nothing is left to be done, or waited for any longer.
bool reactor::ended() noexcept {
  if (!shard_->stopping()) return false;
  const int64_t now = core::coarse_ms();
  if (stop_began_ms_ == 0) stop_began_ms_ = now;
  if (shard_->drained() && under_way_.empty()) return true;
  const int64_t waited = now - stop_began_ms_;
  if (waited < periods_.grace_ms) return false;
  if (!std::exchange(cancelled_all_, true)) cancel_all();
  if (waited < periods_.grace_ms + periods_.cancel_ms && !under_way_.empty()) return false;
  for (exchange* left = under_way_.front(); left != nullptr; left = under_way_.after(*left)) ++abandoned_;
  return true;
}

int64_t reactor::patience_ms() const noexcept {
  if (has_posted_.load(std::memory_order_relaxed)) return 0;
  if (!shard_->stopping()) return -1;
  const int64_t until = stop_began_ms_ + periods_.grace_ms + (cancelled_all_ ? periods_.cancel_ms : 0);
  return std::max<int64_t>(until - core::coarse_ms() + 1, 0);
}

void reactor::run_posted() noexcept {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
  }
  for (core::task& work : running_) work();
  running_.clear();
}

void reactor::refuse_posts() noexcept {
  std::vector<core::task> left;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  left.swap(posted_);
}

void reactor::tell_unwanted() noexcept {
  std::vector<core::cancel_source> sources;
  sources.swap(unwanted_);
  for (core::cancel_source& each : sources) each.cancel();
}

void reactor::cancel_all() noexcept {
  for (exchange* at = under_way_.front(); at != nullptr; at = under_way_.after(*at)) at->cancel(unwanted_);
  tell_unwanted();
}

// ---- requests

void reactor::begin(call& next) noexcept {
  const route_handler& route = handlers_.handlers[next.matched.route];
  if (const auto* coroutine = std::get_if<route_handler::coroutine>(&route.run)) {
    return begin_coroutine(next, route, *coroutine);
  }
  request shown;
  shown.show(next, route.path_names, *this, nullptr);
  if (const auto* plain = std::get_if<route_handler::plain>(&route.run)) {
    answer(next, (*plain)(shown));
  } else {
    answer(next, python_->call(next.matched.route, std::get<python_route>(route.run), shown));
  }
}

void reactor::begin_coroutine(call& next, const route_handler& route,
                              const route_handler::coroutine& handler) noexcept {
  // What the handler takes views of must stay where it is while it is suspended.
  exchange* of = next.retain() ? exchanges_.acquire() : nullptr;
  if (of == nullptr) return shard_->answer_internal_error(next, "out of memory");
  of->of = &next;
  of->shown.show(next, route.path_names, *this, of);
  under_way_.push_back(*of);
  of->starting = true;
  serve(*of, handler);
  if (of->answered) return exchanges_.release(*of);
  of->starting = false;
  next.handler = of;
  // The request was retained already: nothing is left that could fail.
  static_cast<void>(shard_->suspend(next, true));
}

reactor::detached reactor::serve(exchange& of, const route_handler::coroutine& handler) {
  const core::result<response> made = co_await handler(of.shown);
  co_await hop{*this};
  finish(of, made);
}

void reactor::finish(exchange& of, const core::result<response>& made) noexcept {
  of.unlink();
  answer(*of.of, made);
  if (of.starting) {
    of.answered = true;
  } else {
    exchanges_.release(of);
  }
}

void reactor::answer(call& ended, const core::result<response>& made) noexcept {
  if (made.ok()) return answer_with(ended, made.value());
  // A handler that was told that its client is gone, and stopped for it, did as it should.
  if (ended.origin == nullptr && made.failure().code == core::errc::cancelled) return shard_->answer(ended, {});
  shard_->answer_internal_error(ended, made.failure().message);
}

void reactor::answer_with(call& ended, const response& given) noexcept {
  if (given.status < 200 || given.status > 999) {
    return shard_->answer_internal_error(ended, "a handler's status is not 200 to 999");
  }
  answer_view sent;
  sent.status = given.status;
  fields_.clear();
  for (const response::header& field : given.headers) {
    if (http::equals_ignoring_case(field.name, "date")) continue;
    if (http::equals_ignoring_case(field.name, "connection")) {
      sent.close = sent.close || http::equals_ignoring_case(field.value, "close");
      continue;
    }
    fields_.push_back({field.name, field.value});
  }
  sent.fields = fields_;
  if (http::h1::find_invalid_field(sent.fields) != nullptr || !http::h1::is_valid_field_value(given.content_type)) {
    return shard_->answer_internal_error(ended, "a handler's header field is not valid");
  }
  if (!is_bodiless(given.status)) {
    sent.content_type = given.content_type;
    sent.body = given.body;
  }
  shard_->answer(ended, sent);
}

}  // namespace fasterapi::server
