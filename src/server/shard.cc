#include "server/shard.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "core/clock.h"
#include "server/call_runner.h"
#include "server/lease.h"

namespace fasterapi::server {

namespace {

// Whether a read would give bytes at this moment, whatever the events have told so far.
bool has_input(int fd) noexcept {
  char first;
  return ::recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

uint64_t random_word() noexcept {
  uint64_t word = 0;
  if (getrandom(&word, sizeof word, GRND_NONBLOCK) != sizeof word) {
    word = static_cast<uint64_t>(core::monotonic_ns()) * 0x9E3779B97F4A7C15U;
  }
  return word;
}

}  // namespace

core::result<std::unique_ptr<shard>> shard::create(const config& settings) {
  core::ticks::prepare();
  net::poller poller = TRY(net::poller::create());
  metrics_seat seat = TRY(metrics_seat::take(-1, {}));  // until it serves
  return std::unique_ptr<shard>(new shard(settings, std::move(poller), std::move(seat)));
}

core::result<> shard::serve(const application& app, net::listener listener) {
  app_ = &app;
  listener_ = std::move(listener);
  std::vector<std::string> names;
  for (const route& each : app.routes) names.push_back(each.name);
  seat_ = TRY(metrics_seat::take(settings_.worker, names));
  open_reserve();
  const int fd = listener_.socket.get();
  if (!poller_.add(fd, EPOLLIN, listener_tag(fd))) {
    return core::system_error(errno, "watch the listener");
  }
  return core::nothing{};
}

shard::shard(const config& settings, net::poller poller, metrics_seat seat)
    : settings_(settings),
      poller_(std::move(poller)),
      addresses_(settings.bounds.max_connections_per_address, random_word()),
      in_flight_(settings.bounds.max_in_flight, settings.bounds.max_in_flight_total),
      desk_(std::make_unique<desk>(settings.bounds.json_depth_max)),
      now_ms_(core::coarse_ms()),
      connections_(settings.bounds.max_connections + limits::turned_away_max + limits::accepts_per_turn * size_t{2}),
      calls_(size_t{settings.bounds.max_connections} + settings.bounds.max_in_flight),
      timers_(now_ms_),
      deadlines_(now_ms_),
      log_(settings),
      request_id_base_(random_word()),
      seat_(std::move(seat)) {}

shard::~shard() {
  // What they posted may have been taken, and its call be over, before they were done here.
  while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  while (connection* left = open_.front()) close(*left);
  for (auto* list : {&cancelled_, &deferred_}) {
    while (call* orphan = list->pop_front()) release(*orphan);
  }
  shortages_.tell_rest(log_);
}

void shard::retire(std::unique_ptr<shard> ended) noexcept {
  if (ended == nullptr || ended->away_ == 0) return;
  shard* kept = ended.release();
  kept->begin_end(ending::drain);
  while (connection* left = kept->open_.front()) kept->close(*left);
}

void shard::post(posted_answer& posted) noexcept {
  posting_.fetch_add(1, std::memory_order_relaxed);  // seen by whoever takes what is pushed
  if (posted_.push(posted)) wake();
  posting_.fetch_sub(1, std::memory_order_release);
}

void shard::wait(int64_t timeout_ms) noexcept {
  if (has_pending_work()) timeout_ms = 0;
  if (timeout_ms != 0) {
    constexpr int64_t longest_ms = 3'600'000;
    const int64_t limit = timeout_ms < 0 ? longest_ms : std::min(timeout_ms, longest_ms);
    timeout_ms = accept_pause_left_ms(deadlines_.quiet_ms(now_ms_, timers_.quiet_ms(now_ms_, limit)));
    timeout_ms = shortages_.quiet_ms(now_ms_, timeout_ms);
    flush_log();  // of calls that were answered after the last turn's end
    if (timeout_ms != 0 && !posted_.begin_sleep()) timeout_ms = 0;
  }
  watched_is_ready_ = false;
  next_event_ = 0;
  if (measures_turn()) counts().turns.record_alone(core::ticks::now().ns_since(turn_began_));
  events_ = poller_.wait(static_cast<int>(timeout_ms));
  turn_began_ = core::ticks::now();
  ++turns_;
  posted_.end_sleep();
  now_ms_ = core::coarse_ms();
  now_s_ = core::wall_seconds();
  timers_.advance(now_ms_, [this](connection& late) { expire(late); });
  take_posted();
  deadlines_.advance(now_ms_, [this](call& late) { time_out(late); });
  if (accept_again_ms_ != 0 && now_ms_ >= accept_again_ms_) resume_accepting();
  shortages_.tell_late(now_ms_, log_);
}

call* shard::next_call() noexcept {
  for (;;) {
    if (current_ != nullptr) {
      if (call* ready = advance(*current_)) return hand_out(*ready);
      leave_current();
    } else if (call* back = lent_ ? nullptr : deferred_.pop_front()) {
      back->at = call::stage::handling;
      deadlines_.disarm(*back);
      return back;
    } else if (connection* waiting = resumed_.pop_front()) {
      work_on(*waiting);
    } else if (next_event_ < events_.size()) {
      handle_event(events_[next_event_++]);
    } else {
      end_turn();
      return nullptr;
    }
  }
}

void shard::flush_log() noexcept {
  log_.flush();
  if (const uint64_t dropped = log_.take_dropped()) counts().lines_dropped.add(dropped);
}

call* shard::hand_out(call& ready) noexcept {
  if (!std::exchange(ready.handed_out, true)) counts().handed_out.add();
  return &ready;
}

void shard::work_on(connection& next) noexcept {
  current_ = &next;
  current_requests_ = 0;
  current_bytes_ = 0;
}

// Parks the connection that was worked on: what it has not used stays with it, what it has to say is sent.
void shard::leave_current() noexcept {
  connection* left = std::exchange(current_, nullptr);
  if (left == nullptr) return;
  if (!carry_over(*left)) return close(*left);
  if (left->unsent() > 0) finish_output(*left, left->flush());
  if (left->fd >= 0) set_deadline(*left);
}

void shard::end_turn() noexcept {
  events_ = {};
  while (connection* ended = closed_.pop_front()) connections_.release(*ended);
  while (connection* waiting = yielded_.pop_front()) resumed_.push_back(*waiting);
  flush_log();
}

void shard::handle_event(const epoll_event& event) noexcept {
  const uint64_t tag = event.data.u64;
  if (tag == net::poller::wake_tag) {
    if (orders_.any()) carry_out_orders();
  } else if ((tag & tag_bits) == listener_bits) {
    accept_connections(static_cast<int>(tag >> 2));
  } else if (tag == watched_tag) {
    watched_is_ready_ = true;
  } else {
    handle_connection_event(*reinterpret_cast<connection*>(tag), event.events);
  }
}

void shard::handle_connection_event(connection& from, uint32_t events) noexcept {
  if (from.fd < 0) return;  // closed earlier in this turn
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return close(from);
  if ((events & EPOLLRDHUP) != 0) from.half_closed = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) from.readable = true;
  if ((events & EPOLLOUT) != 0 && from.unsent() > 0) {
    finish_output(from, from.flush());
    if (from.fd < 0) return;
    set_deadline(from);
  }
  switch (from.at) {
    case connection::phase::receiving:
      // One that had its share of this turn goes on in the next.
      if (from.unsent() < settings_.bounds.response_buffer_bytes && !from.waits_for_turn()) work_on(from);
      break;
    case connection::phase::handling:
      if (from.half_closed && from.active->at == call::stage::suspended) probe(from);
      break;
    case connection::phase::closing:
      break;
    case connection::phase::lingering:
      if (from.readable) drain(from);
      break;
  }
}

void shard::close(connection& ended) noexcept {
  if (ended.fd < 0) return;
  ::close(ended.fd);
  ended.fd = -1;
  if (ended.turned_away) {
    --lingering_count_;
  } else {
    --open_count_;
    addresses_.leave(ended.peer);
    counts().connections_closed.add();
  }
  timers_.disarm(ended);
  static_cast<core::list_link<resume_tag>&>(ended).unlink();
  if (current_ == &ended) {
    current_ = nullptr;
    block_begin_ = block_end_ = 0;
  }
  if (call* request = std::exchange(ended.active, nullptr)) {
    give_up(*request);
  }
  closed_.push_back(ended);
}

// Nobody waits for the answer any more. The deadline stays: it ends a handler that does not care.
void shard::give_up(call& unwanted) noexcept {
  unwanted.origin = nullptr;
  switch (unwanted.at) {
    case call::stage::handling:
      return;
    case call::stage::suspended:
      if (unwanted.runner != nullptr) return unwanted.runner->interrupt(unwanted);
      return cancelled_.push_back(unwanted);
    case call::stage::head:
    case call::stage::body:
    case call::stage::deferred:
      return release(unwanted);
  }
}

// The deadline of a call has passed: its client, if that is still there, is answered, whatever its handler does.
void shard::time_out(call& late) noexcept {
  if (late.timed_out) {
    if (!late.runner->overdue(late)) deadlines_.arm(late, now_ms_ + lease::stuck_after_ms);
    return;
  }
  late.timed_out = true;
  if (late.runner != nullptr) {
    ++overdue_;
    deadlines_.arm(late, now_ms_ + lease::stuck_after_ms);
  }
  core::byte_buffer what;
  for (std::string_view part :
       {std::string_view(late.origin != nullptr ? "no answer before the deadline: "
                                                : "not ended at its deadline, though its client is gone: "),
        late.head.view(late.head.method_token), std::string_view(" "), late.path}) {
    what.append(part);
  }
  log_.error(late, what.view());
  if (late.origin != nullptr) respond_detail(late, 504, "Gateway Timeout", late.id().view(), {}, false);
  give_up(late);
}

void shard::set_deadline(connection& waiting) noexcept {
  if (waiting.unsent() == 0) waiting.stalls = false;
  int64_t span = 0;
  if (waiting.at == connection::phase::lingering) {
    span = ending_ == ending::stop ? limits::stop_idle_ms : limits::linger_ms;
  } else if (waiting.unsent() > 0) {
    // What the peer takes puts the deadline off; what it sends does not.
    if (!waiting.note_progress()) return;
    span = settings_.bounds.write_stall_timeout_ms;
  } else if (waiting.at == connection::phase::handling) {
    return timers_.disarm(waiting);
  } else if (waiting.idle()) {
    span = idle_span_ms();
  } else if (waiting.active != nullptr && waiting.active->at == call::stage::body) {
    return arm_body_deadline(waiting);
  } else {
    // A head under way has one deadline from its first byte on, however slowly it drips.
    if (waiting.since_ms == 0) waiting.since_ms = now_ms_;
    return timers_.arm(waiting, waiting.since_ms + settings_.bounds.header_timeout_ms);
  }
  timers_.arm(waiting, now_ms_ + span);
}

// The moment from which the bytes of the body that have come are too few: a later one for each byte that comes.
void shard::arm_body_deadline(connection& receiving) noexcept {
  const uint64_t rate = settings_.bounds.body_min_rate_bytes_s;
  if (rate == 0) return timers_.disarm(receiving);
  const auto earned_ms = static_cast<int64_t>(receiving.body_received * 1000 / rate);
  timers_.arm(receiving, receiving.since_ms + settings_.bounds.body_grace_ms + earned_ms + 1);
}

void shard::expire(connection& late) noexcept {
  const bool receiving = late.at == connection::phase::receiving && late.unsent() == 0 && !late.idle();
  if (!receiving) {
    // The socket's buffer may have emptied, without there being room enough for an event yet.
    if (late.unsent() > 0 && late.note_progress()) {
      return timers_.arm(late, now_ms_ + settings_.bounds.write_stall_timeout_ms);
    }
    if (late.unsent() > 0 || !late.idle()) return close(late);
    // An idle connection that has something to read at this very moment gets its turn.
    if (late.readable || has_input(late.fd)) return set_deadline(late);
    // What the client sends before it sees the end must not be answered with a reset (RFC 9112 §9.6).
    return ending_ == ending::stop ? close(late) : linger(late);
  }
  if (late.active == nullptr) return close(late);
  reply(*late.active, 408, "the request took too long to arrive", {}, true);
}

int64_t shard::idle_span_ms() const noexcept {
  switch (ending_) {
    case ending::none:
      return settings_.bounds.keep_alive_timeout_ms;
    case ending::drain:
      return limits::drain_idle_ms;
    case ending::stop:
      return limits::stop_idle_ms;
  }
  return 0;
}

void shard::carry_out_orders() noexcept {
  orders::batch given = orders_.take();
  for (const int key : given.removed) {
    for (orders::extra& one : extra_listeners_) {
      if (one.key == key) leave_listener(one.from);
    }
    std::erase_if(extra_listeners_, [](const orders::extra& one) { return !one.from.socket.valid(); });
  }
  for (orders::extra& one : given.added) {
    const int fd = one.from.socket.get();
    if (stopping_ || !poller_.add(fd, EPOLLIN, listener_tag(fd))) continue;
    extra_listeners_.push_back(std::move(one));
  }
  if (given.end > ending_) begin_end(given.end);
}

// Accepts no more from it. It may be open elsewhere, so that closing it here would not take it off the poller.
void shard::leave_listener(net::listener& left) noexcept {
  poller_.remove(left.socket.get());
  left.socket.reset();
}

void shard::begin_end(ending how) noexcept {
  ending_ = how;
  stopping_ = true;
  if (app_ == nullptr) return;
  if (how == ending::drain) {
    for_each_listener([this](net::listener& left) { leave_listener(left); });
    extra_listeners_.clear();
  } else {
    for_each_listener([this](net::listener& from) {
      // It stays, for handshakes that are under way.
      from.silence();
      while (accept_connections(from.socket.get())) continue;
    });
  }
  for (connection* at = open_.front(); at != nullptr;) {
    connection* next = open_.after(*at);
    at->close_after = true;
    if (at->at == connection::phase::lingering || (at->idle() && at->unsent() == 0)) set_deadline(*at);
    at = next;
  }
}

void shard::request_stop() noexcept {
  orders_.end(ending::stop);
  wake();
}

void shard::request_drain() noexcept {
  orders_.end(ending::drain);
  wake();
}

void shard::add_listener(int key, net::listener other) noexcept {
  orders_.add({key, std::move(other)});
  wake();
}

void shard::remove_listener(int key) noexcept {
  orders_.remove(key);
  wake();
}

bool shard::watch(int fd) noexcept {
  if (!poller_.add(fd, EPOLLIN, watched_tag)) return false;
  watched_ = fd;
  return true;
}

void shard::lend(call* running) noexcept {
  lent_ = true;
  if (watched_ >= 0) poller_.remove(watched_);
  if (running == nullptr || running->at != call::stage::handling) return leave_current();
  outlast_turn(*running);
  set_aside(*running);
  arm_deadline(*running);
}

// That of a call whose handler goes on after its turn; none where it has passed already.
void shard::arm_deadline(call& outlasting) noexcept {
  if (outlasting.answer_by_ms != 0 && !outlasting.timed_out) deadlines_.arm(outlasting, outlasting.answer_by_ms);
}

// A handler looks at a request where it was received and read: at the shard's desk, or in its connection's input. Both
// are needed for what comes next, so they are exchanged for others; what was not used yet is taken along.
void shard::set_aside(call& running) noexcept {
  connection* from = running.origin;
  if (from != nullptr && running.held.empty() && !from->in.empty()) {
    core::byte_buffer looked_at = std::move(from->in);
    const std::string_view unused = looked_at.view().substr(std::exchange(from->in_begin, 0));
    const bool kept = unused.empty() || from->hold_input(unused);
    running.held = std::move(looked_at);
    if (!kept) close(*from);
  }
  leave_current();
  if (other_desk_ == nullptr) other_desk_ = std::make_unique<desk>(settings_.bounds.json_depth_max);
  std::swap(desk_, other_desk_);
}

// The handler of a call goes on after the turn in which it began.
void shard::outlast_turn(call& kept) noexcept {
  if (kept.counted && !std::exchange(kept.outlasts, true)) in_flight_.outlast();
}

void shard::take_back() noexcept {
  if (other_desk_ != nullptr) std::swap(desk_, other_desk_);
  lent_ = false;
  if (watched_ >= 0 && !poller_.add(watched_, EPOLLIN, watched_tag)) watched_ = -1;
}

}  // namespace fasterapi::server
