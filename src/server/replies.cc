// The half of the shard that answers: heads, bodies, and what becomes of the connection afterwards.

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/clock.h"
#include "json/writer.h"
#include "server/shard.h"

namespace fasterapi::server {

namespace {

constexpr size_t stack_head_max = 1024;  // longer heads go through the connection's buffer

http::h1::response_head head_of(const call& ended, const answer_view& answer, std::string_view date,
                                bool closes) noexcept {
  http::h1::response_head head;
  head.status = answer.status;
  if (closes) {
    head.connection = http::h1::connection_option::close;
  } else if (ended.head.version_minor == 0) {
    head.connection = http::h1::connection_option::keep_alive;
  }
  head.content_length = answer.body.size();
  head.content_type = answer.content_type;
  head.date = date;
  head.fields = answer.fields;
  return head;
}

bool names_request(const answer_view& answer) noexcept {
  return std::any_of(answer.fields.begin(), answer.fields.end(), [](const http::h1::response_field& field) {
    return http::equals_ignoring_case(field.name, "x-request-id");
  });
}

}  // namespace

void shard::answer(call& ended, const answer_view& given) noexcept {
  if (ended.origin != nullptr) respond(ended, given);
  release(ended);
}

void shard::release(call& ended) noexcept {
  if (ended.handed_out) seat_.figures().completed(ended.pooled);
  static_cast<core::list_link<waiting_tag>&>(ended).unlink();
  deadlines_.disarm(ended);
  if (ended.counted) in_flight_.end(ended.outlasts);
  calls_.release(ended);
}

// Answers, and parts the call from its connection, which goes on with its next request.
void shard::respond(call& ended, const answer_view& given) noexcept {
  connection* to = ended.origin;
  ++to->answered;
  const bool is_last = to->answered == settings_.bounds.max_requests_per_connection;  // 0: never
  const bool ends =
      is_last || given.close || ended.close_after || to->close_after || stopping_ || !ended.head.keep_alive;
  http::h1::response_head head = head_of(ended, given, date_.at(now_s_), ends);
  std::optional<http::request_id> id;
  if (settings_.send_request_id && !names_request(given)) [[unlikely]] {
    head.request_id = id.emplace(ended.id()).view();
  }
  const size_t head_size = http::h1::head_size(head);
  const std::string_view body = ended.head.method == http::method::head ? std::string_view{} : given.body;
  const bool more_follows = to == current_ && !ends && unread(*to).size > 0;
  connection::sent state;
  if (to->unsent() > 0 || more_follows || head_size > stack_head_max) {
    if (char* room = to->output_room(head_size + body.size())) {
      http::h1::write_head(room, head);
      if (!body.empty()) std::memcpy(room + head_size, body.data(), body.size());
    }
    state = to->out.failed() ? connection::sent::broken : connection::sent::some;
    if (!more_follows && state != connection::sent::broken) state = to->flush();
  } else if (!body.empty() && given.headroom >= head_size) {
    // Written to the left of the body, the two are one piece.
    char* start = const_cast<char*>(body.data()) - head_size;
    http::h1::write_head(start, head);
    state = to->send({start, head_size + body.size()}, {});
  } else {
    char room[stack_head_max];
    state = to->send({room, http::h1::write_head(room, head)}, body);
  }
  take_note_of(ended, given);
  ended.origin = nullptr;
  to->active = nullptr;
  to->probed = false;
  to->input_left = ended.at == call::stage::head || ended.at == call::stage::body;
  to->at = ends ? connection::phase::closing : connection::phase::receiving;
  finish_output(*to, state);
  if (to->fd < 0 || to == current_ || ends) return;
  to->drop_used_input();
  set_deadline(*to);
  if (to->readable || !to->pending().empty()) resumed_.push_back(*to);
}

// Counts and logs an answer; its request can still be read.
void shard::take_note_of(const call& ended, const answer_view& given) noexcept {
  call_outcome how;
  how.route = ended.routed ? ended.matched.route : seat_.figures().no_route();
  how.status = given.status;
  how.handed_out = ended.handed_out;
  how.pooled = ended.pooled;
  how.timed_out = ended.timed_out;
  last_answer_ = core::ticks::now();
  how.latency_ns = ended.began.empty() ? 0 : last_answer_.ns_since(ended.began);
  seat_.figures().answered(how);
  if (log_.enabled()) {
    const size_t body_bytes = ended.head.method == http::method::head ? 0 : given.body.size();
    log_.add(ended, {how, body_bytes, ended.routed ? std::string_view(app_->routes[how.route].name) : "-"});
  }
}

// What follows from an attempt to send: a broken connection is closed, one that has said its last word ends.
void shard::finish_output(connection& to, connection::sent state) noexcept {
  if (state == connection::sent::broken) return close(to);
  if (state == connection::sent::some || to.at != connection::phase::closing) {
    if (&to != current_ && to.fd >= 0) set_deadline(to);
    return;
  }
  const bool more_input = to.input_left || to.readable || unread(to).size > 0;
  if (!more_input || (to.half_closed && !to.readable)) return close(to);
  if (&to == current_) {
    current_ = nullptr;
    block_begin_ = block_end_ = 0;
  }
  linger(to);
}

// 503, to a client that may try again in a second, on the same connection unless that is to `close`. It has no id,
// since the log says no more of one such request than how many there were.
void shard::send_busy(call& refused, std::string_view detail, bool close) noexcept {
  constexpr http::h1::response_field again{"retry-after", "1"};
  send_detail(refused, 503, detail, {}, {&again, 1}, close);
}

void shard::reply(call& ended, uint16_t status, std::string_view detail, extra_fields fields, bool close) noexcept {
  http::request_id id;
  if (status >= 500) {
    id = ended.id();
    log_.error(ended, detail);
  }
  send_detail(ended, status, detail, id.view(), fields, close);
}

void shard::answer_internal_error(call& ended, std::string_view why) noexcept {
  const http::request_id id = ended.id();
  log_.error(ended, why);
  send_detail(ended, 500, "Internal Server Error", id.view(), {}, false);
}

// {"detail":"…"}, and the request's id where the log has something about it.
void shard::send_detail(call& ended, uint16_t status, std::string_view detail, std::string_view id, extra_fields fields,
                        bool close) noexcept {
  if (ended.origin != nullptr) respond_detail(ended, status, detail, id, fields, close);
  release(ended);
}

void shard::respond_detail(call& ended, uint16_t status, std::string_view detail, std::string_view id,
                           extra_fields fields, bool close) noexcept {
  counts().answered_without_handler.add();
  reply_.clear();
  reply_.append("{\"detail\":");
  json::write_string(reply_, detail);
  if (!id.empty()) {
    reply_.append(",\"request_id\":");
    json::write_string(reply_, id);
  }
  reply_.append('}');
  answer_view refusal;
  refusal.status = status;
  refusal.content_type = "application/json";
  refusal.fields = fields;
  refusal.body = reply_.view();
  refusal.close = close;
  respond(ended, refusal);
}

}  // namespace fasterapi::server
