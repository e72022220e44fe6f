// The half of the shard that turns a connection's bytes into calls: reading, framing, routing, validation.

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/clock.h"
#include "http/url.h"
#include "server/call_runner.h"
#include "server/invalid_answer.h"
#include "server/shard.h"

namespace fasterapi::server {

// Bytes of `from` that were read and not used yet: carried over from earlier reads, or else in the shard's block.
shard::window shard::unread(connection& from) noexcept {
  const std::string_view carried = from.pending();
  if (!carried.empty()) return {carried.data(), carried.size()};
  return {desk_->block.get() + block_begin_, block_end_ - block_begin_};
}

void shard::consume(connection& from, size_t count) noexcept {
  if (from.pending().empty()) {
    block_begin_ += count;
    return;
  }
  from.in_begin += count;
}

// Moves what is left in the block to the connection, so that the block is free for another. False: no memory.
bool shard::carry_over(connection& from) noexcept {
  const std::string_view left(desk_->block.get() + block_begin_, block_end_ - block_begin_);
  block_begin_ = block_end_ = 0;
  // While a request is handled, it may still be looking at used-up input.
  if (from.at != connection::phase::handling) from.drop_used_input();
  return from.hold_input(left);
}

call* shard::advance(connection& from) noexcept {
  while (from.fd >= 0 && from.at == connection::phase::receiving) {
    if (yields(from)) break;
    if (from.unsent() >= settings_.bounds.response_buffer_bytes) {
      finish_output(from, from.flush());
      if (from.fd < 0 || from.unsent() >= settings_.bounds.response_buffer_bytes) break;
    }
    if (unread(from).size > 0) {
      if (call* ready = parse(from)) return ready;
      if (from.fd < 0 || from.at != connection::phase::receiving) break;
      if (from.active == nullptr && unread(from).size > 0) continue;  // answered without a handler; the next follows
    }
    // Answers to the pipelined requests so far go out before more is read.
    if (from.unsent() > 0) finish_output(from, from.flush());
    if (from.fd < 0 || !from.readable || !read_more(from)) break;
  }
  return nullptr;
}

// Whether the connection had its share of this turn, and has more to do: it goes on after everybody else.
bool shard::yields(connection& from) noexcept {
  if (current_requests_ < settings_.bounds.max_pipelined && current_bytes_ < limits::input_per_turn_bytes) return false;
  if (unread(from).size == 0 && !from.readable) return false;
  yielded_.push_back(from);
  return true;
}

// One read; false when there was nothing or the connection is gone.
bool shard::read_more(connection& from) noexcept {
  char* to = desk_->block.get();
  size_t room = limits::receive_block_bytes;
  const bool carried = unread(from).size > 0;
  if (carried) {
    // The bytes of a message must follow each other in memory.
    const bool in_body = from.active != nullptr && from.active->at == call::stage::body;
    room = in_body ? limits::body_read_bytes : limits::head_read_bytes;
    to = carry_over(from) ? from.input_room(room) : nullptr;
    if (to == nullptr) {
      close(from);
      return false;
    }
  }
  const ssize_t got = from.receive(to, room);
  if (got > 0) {
    current_bytes_ += static_cast<uint64_t>(got);
    if (carried) {
      from.take_input(static_cast<size_t>(got));
    } else {
      block_begin_ = 0;
      block_end_ = static_cast<size_t>(got);
    }
    return true;
  }
  // The end of the stream: whatever is under way can never be completed.
  if (got == 0 && from.unsent() > 0) {
    from.at = connection::phase::closing;
  } else if (got == 0 || errno != EAGAIN) {
    close(from);
  }
  return false;
}

call* shard::parse(connection& from) noexcept {
  if (from.active == nullptr) {
    call* fresh = calls_.acquire();
    if (fresh == nullptr) {
      close(from);
      return nullptr;
    }
    if (!fresh->parser_ready) {
      fresh->parser = http::h1::head_parser(settings_.bounds.head);
      fresh->decoder = http::h1::body_decoder({.body_max_bytes = settings_.bounds.body_max_bytes});
      fresh->parser_ready = true;
    }
    fresh->origin = &from;
    // An odd multiplier permutes the counter, so that ids of one shard do not look alike.
    fresh->number = request_id_base_ + ++request_id_count_ * 0x9E3779B97F4A7C15U;
    from.active = fresh;
  }
  call& request = *from.active;
  return request.at == call::stage::head ? parse_head(from, request) : parse_body(from, request);
}

call* shard::parse_head(connection& from, call& request) noexcept {
  const window bytes = unread(from);
  switch (request.parser.feed(bytes.data, bytes.size, request.head)) {
    case http::h1::parse_status::need_more:
      return nullptr;
    case http::h1::parse_status::error: {
      const http::h1::parse_error& problem = request.parser.error();
      request.head.method = http::method::other;
      reply(request, problem.status, problem.reason, {}, true);
      return nullptr;
    }
    case http::h1::parse_status::complete:
      break;
  }
  counts().requests.add();
  ++current_requests_;
  from.since_ms = 0;
  request.began = turn_began_;
  request.at = call::stage::body;
  request.path = request.head.view(request.head.path);
  if (!accept_head(from, request)) return request.refused.status != 0 ? &request : nullptr;
  if (!request.head.chunked && request.head.content_length == 0) {
    consume(from, request.head.size);
    return dispatch(request);
  }
  from.since_ms = now_ms_;
  from.body_received = 0;
  return parse_body(from, request);
}

// Whether the request will be read to its end; otherwise it is answered here.
bool shard::accept_head(connection& from, call& request) noexcept {
  const http::request_head& head = request.head;
  if (!settings_.allowed_hosts.empty() && !host_allowed(request)) {
    reject(request, 421, "this server does not serve the host that the request names", {});
    return false;
  }
  if (head.has_content_length && head.content_length > settings_.bounds.body_max_bytes) {
    reply(request, 413, "the body is larger than this server accepts", {}, true);
    return false;
  }
  if (!find_route(request)) return false;
  if (head.chunked) {
    // Chunks are decoded as they come; the head must not be in their way.
    request.decoder = http::h1::body_decoder({.body_max_bytes = settings_.bounds.body_max_bytes});
    request.decoder.start_chunked();
    const size_t used = head.size;
    if (!request.retain()) {
      close(from);
      return false;
    }
    consume(from, used);
  }
  const window bytes = unread(from);
  const uint64_t at_hand = head.chunked ? bytes.size : bytes.size - head.size;
  if (head.expect_continue && at_hand == 0) send_continue(from, request);
  return from.fd >= 0;
}

void shard::send_continue(connection& to, call& request) noexcept {
  if (request.head.version_minor == 0 || request.sent_continue) return;
  request.sent_continue = true;
  constexpr std::string_view interim = http::h1::continue_response;
  if (to.unsent() > 0) {
    if (char* room = to.output_room(interim.size())) std::memcpy(room, interim.data(), interim.size());
  } else {
    finish_output(to, to.send(interim, {}));
  }
}

bool shard::host_allowed(const call& request) const noexcept {
  std::string_view host = request.head.view(request.head.authority);
  if (const size_t colon = host.rfind(':'); colon != std::string_view::npos && host.back() != ']') {
    host = host.substr(0, colon);
  }
  for (const std::string& allowed : settings_.allowed_hosts) {
    if (allowed == "*" || http::equals_ignoring_case(host, allowed)) return true;
    if (!allowed.starts_with("*.")) continue;
    const std::string_view suffix = std::string_view(allowed).substr(1);
    if (host.size() > suffix.size() && http::equals_ignoring_case(host.substr(host.size() - suffix.size()), suffix)) {
      return true;
    }
  }
  return false;
}

bool shard::find_route(call& request) noexcept {
  const http::request_head& head = request.head;
  if (request.path.find('%') != std::string_view::npos) {
    const http::decoded_text decoded = http::percent_decode(request.path, http::plus_sign::is_plus, request.memory);
    if (decoded.has_malformed_percent || decoded.has_invalid_utf8 || decoded.has_null) {
      reject(request, 400, "the path must be percent-encoded UTF-8 without NUL", {});
      return false;
    }
    if (request.memory.failed()) {
      lack_memory(request);
      return false;
    }
    request.path = decoded.text;
  }
  const http::method_set bit = app_->router.bit_of(head.method, head.view(head.method_token));
  auto outcome = app_->router.find(bit, request.path, request.matched);
  if (outcome == http::router::outcome::no_method && head.method == http::method::head) {
    const http::method_set get = app_->router.bit_of(http::method::get, {});
    if ((request.matched.allowed & get) != 0) outcome = app_->router.find(get, request.path, request.matched);
  }
  if (outcome == http::router::outcome::found) [[likely]] {
    request.routed = true;
    return true;
  }
  if (outcome == http::router::outcome::no_method) {
    refuse_method(request);
  } else if (!app_->redirect_slashes || !redirect_slash(request)) {
    if (request.memory.failed()) {
      lack_memory(request);
    } else {
      reject(request, 404, "Not Found", {});
    }
  }
  return false;
}

// Answers 500 to a request that is not read to its end.
void shard::lack_memory(call& request) noexcept {
  request.close_after = true;
  answer_internal_error(request, "out of memory");
}

void shard::refuse_method(call& request) noexcept {
  http::method_set allowed = request.matched.allowed;
  const http::method_set get = app_->router.bit_of(http::method::get, {});
  if ((allowed & get) != 0) allowed |= app_->router.bit_of(http::method::head, {});
  const std::string_view names = app_->router.names_of(allowed, request.memory);
  const http::h1::response_field field{"allow", names};
  reject(request, 405, "Method Not Allowed", {&field, 1});
}

// Answers a request whose head is known and whose body nobody will read. The connection goes on if all of it is here.
void shard::reject(call& request, uint16_t status, std::string_view detail, extra_fields fields) noexcept {
  const bool close = !skip_body(request);
  if (!app_->intercepts(status) || in_flight_.full()) return reply(request, status, detail, fields, close);
  request.refused.status = status;
  if (!fields.empty()) request.refused.allow = request.memory.copy(fields[0].value);
  hand_over(request);
  request.close_after = close;
}

void shard::hand_over(call& request) noexcept {
  request.counted = true;
  in_flight_.begin();
  request.at = call::stage::handling;
  request.origin->at = connection::phase::handling;
  request.origin->since_ms = 0;
}

// Answers a whole request whose handler cannot be run now. The client may try again on the same connection.
void shard::refuse_for_now(call& request) noexcept {
  request.at = call::stage::handling;
  counts().requests_refused.add();
  note(in_flight_.shard_full() ? shortage::in_flight : shortage::in_flight_total);
  send_busy(request, "the server has as many requests in flight as it takes");
}

bool shard::skip_body(call& request) noexcept {
  const uint64_t total = request.head.size + request.head.content_length;
  if (request.head.chunked || unread(*request.origin).size < total) return false;
  consume(*request.origin, total);
  request.at = call::stage::handling;
  return true;
}

// A path that has a route only with, or only without, a slash at its end: the client is sent there.
bool shard::redirect_slash(call& request) noexcept {
  const auto toggled = [&memory = request.memory](std::string_view path) {
    if (path.back() != '/') return memory.join({path, "/"});
    return path.substr(0, path.find_last_not_of('/') + 1);
  };
  if (request.path.size() <= 1) return false;
  const std::string_view other = toggled(request.path);
  const http::method_set any = ~http::method_set{0};
  if (other.empty() || app_->router.find(any, other, request.matched) != http::router::outcome::found) return false;
  const http::request_head& head = request.head;
  const std::string_view query = head.view(head.query);
  const std::string_view location =
      request.memory.join({"http://", head.view(head.authority), settings_.root_path, toggled(head.view(head.path)),
                           query.empty() ? "" : "?", query});
  const http::h1::response_field field{"location", location};
  answer_view moved;
  moved.status = 307;
  moved.fields = {&field, 1};
  moved.close = !skip_body(request);
  counts().answered_without_handler.add();
  answer(request, moved);
  return true;
}

call* shard::parse_body(connection& from, call& request) noexcept {
  if (request.head.chunked) return parse_chunks(from, request);
  const window bytes = unread(from);
  const uint64_t total = request.head.size + request.head.content_length;
  from.body_received = bytes.size - request.head.size;
  if (bytes.size < total) return nullptr;
  request.rebase(bytes.data);
  request.body = {bytes.data + request.head.size, request.head.content_length};
  consume(from, total);
  return dispatch(request);
}

call* shard::parse_chunks(connection& from, call& request) noexcept {
  for (;;) {
    const window bytes = unread(from);
    const auto step = request.decoder.feed(bytes.data, bytes.size);
    request.body_bytes.append(step.content);
    from.body_received += step.content.size();
    consume(from, step.consumed);
    if (step.status == http::h1::parse_status::error) {
      const http::h1::parse_error& problem = request.decoder.error();
      reply(request, problem.status, problem.reason, {}, true);
      return nullptr;
    }
    if (request.body_bytes.size() > settings_.bounds.body_max_bytes || request.body_bytes.failed()) {
      reply(request, 413, "the body is larger than this server accepts", {}, true);
      return nullptr;
    }
    if (step.status == http::h1::parse_status::complete) break;
    if (step.consumed == 0 || unread(from).size == 0) return nullptr;
  }
  request.body = request.body_bytes.view();
  return dispatch(request);
}

// The request is complete: checks what its route reads, and hands it out. A large body is read where the handler runs,
// so that other requests do not wait for that.
call* shard::dispatch(call& request) noexcept {
  const route& target = app_->routes[request.matched.route];
  if (in_flight_.full() && !target.always_admit) [[unlikely]] {
    refuse_for_now(request);
    return nullptr;
  }
  hand_over(request);
  if (target.timeout_ms != 0) request.answer_by_ms = now_ms_ + target.timeout_ms;
  if (target.plan == nullptr || target.plan->parameter_count() == 0) return &request;
  if (request.body.size() >= limits::read_by_handler_bytes) return &request;
  if (request.read_values(*target.plan, desk_->reader, errors_)) return &request;
  if (request.memory.failed() || errors_.failed()) {
    answer_internal_error(request, "out of memory");
    return nullptr;
  }
  const std::optional<answer_view> refusal = refuse_invalid(request, errors_);
  if (!refusal) return &request;
  answer(request, *refusal);
  return nullptr;
}

std::optional<answer_view> shard::refuse_invalid(call& refused, const schema::error_list& errors) noexcept {
  const std::optional<answer_view> invalid = invalid_answer(*app_, refused, errors, reply_);
  if (invalid) counts().answered_without_handler.add();
  return invalid;
}

bool shard::suspend(call& later, bool keep_request) noexcept {
  connection* from = later.origin;
  // Its answer, whoever gives that, may have to name the request.
  const bool named_later = log_.enabled() || settings_.send_request_id || later.answer_by_ms != 0;
  if ((keep_request || named_later) && !later.retain()) return false;
  later.at = call::stage::suspended;
  outlast_turn(later);
  arm_deadline(later);
  if (from == nullptr) {
    give_up(later);
    return true;
  }
  if (current_ == from) {
    current_ = nullptr;
    if (!carry_over(*from)) {
      close(*from);
      return true;
    }
    if (from->unsent() > 0) finish_output(*from, from->flush());
  }
  if (from->fd < 0) return true;
  set_deadline(*from);
  if (from->half_closed) probe(*from);
  return true;
}

void shard::delegate(call& given, call_runner& runner) noexcept {
  given.runner = &runner;
  given.pooled = true;
  ++away_;
  if (!suspend(given, true)) {
    --away_;
    return answer_internal_error(given, "out of memory");
  }
  if (runner.run(given, *this)) return;
  --away_;
  given.runner = nullptr;
  given.pooled = false;
  counts().requests_refused.add();
  note(shortage::queue);
  send_busy(given, "every worker is busy, and the queue for them is full");
}

bool shard::is_bound(const call& given, const call_runner& runner) const noexcept {
  if (!given.routed || settings_.pool_only) return false;
  const route& target = app_->routes[given.matched.route];
  return target.run == run_mode::inlined ||
         (target.run == run_mode::automatic && target.is_async && runner.shares_gil());
}

void shard::turn_away(call& refused) noexcept {
  counts().requests_refused.add();
  send_busy(refused, "the worker of this connection is stuck", true);
}

void shard::turn_away_deferred() noexcept {
  while (call* refused = deferred_.pop_front()) turn_away(*refused);
}

// The thread that ran the handler has ended the call.
void shard::take_posted() noexcept {
  for (posted_answer* at = posted_.take_all(); at != nullptr;) {
    posted_answer& one = *at;
    at = posted_answers::next(one);
    --away_;
    if (one.is_late() && one.to->origin != nullptr) time_out(*one.to);
    if (one.to->timed_out) --overdue_;
    if (one.is_error()) {
      answer_internal_error(*one.to, one.error());
    } else {
      answer(*one.to, one.view());
    }
    one.done();
  }
}

void shard::defer(call& later) noexcept {
  if (!suspend(later, true)) return answer_internal_error(later, "out of memory");
  later.at = call::stage::deferred;
  if (later.origin == nullptr) return release(later);
  deferred_.push_back(later);
}

// The peer has sent its FIN while its request is being handled. A peer that only closed its sending side still wants
// the answer; one that is gone answers the next bytes with a reset. An interim response (RFC 9110 §15.2) tells which.
void shard::probe(connection& suspect) noexcept {
  if (suspect.probed || suspect.unsent() > 0 || suspect.active->head.version_minor == 0) return;
  suspect.probed = true;
  finish_output(suspect, suspect.send("HTTP/1.1 102 Processing\r\n\r\n", {}));
}

// The last answer is sent. Closing while the peer still sends would reset the connection, and the answer with it
// (RFC 9112 §9.6): so only our side is closed, and what comes is thrown away for a while.
void shard::linger(connection& from) noexcept {
  ::shutdown(from.fd, SHUT_WR);
  from.at = connection::phase::lingering;
  set_deadline(from);
  if (from.readable) drain(from);
}

void shard::drain(connection& from) noexcept {
  char unwanted[16384];
  while (from.discarded < limits::linger_max_bytes) {
    const ssize_t got = from.receive(unwanted, sizeof unwanted);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return close(from);
    from.discarded += static_cast<uint64_t>(got);
    if (!from.readable) return;
  }
  close(from);
}

}  // namespace fasterapi::server
