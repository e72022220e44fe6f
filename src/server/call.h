#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/arena.h"
#include "core/byte_buffer.h"
#include "core/intrusive_list.h"
#include "core/ticks.h"
#include "core/timer_wheel.h"
#include "http/h1/body_decoder.h"
#include "http/h1/head_parser.h"
#include "http/message.h"
#include "http/request_id.h"
#include "http/router.h"
#include "schema/value.h"

namespace fasterapi::json {
class reader;
}
namespace fasterapi::schema {
class error_list;
class plan;
}  // namespace fasterapi::schema

namespace fasterapi::server {

class call_runner;
struct connection;

struct waiting_tag {};

// One request, from its first byte to its answer.
//
// Owner: its shard, which takes it from a pool and gives it back when it is answered. Between shard::next_call() and
// shard::answer() it is lent to the driver. Views into the message (head, path, body, values) are valid until the
// answer, or until suspend() unless that was asked to keep them; values are then to be read again (null).
struct call : core::wheel_timer, core::list_link<waiting_tag> {
  enum class stage : uint8_t {
    head,
    body,       // its head is whole, and readable
    handling,   // its handler runs on the driver's thread
    suspended,  // its handler goes on later, or runs elsewhere
    deferred,   // it waits for the shard's own thread to come back
  };

  // Bytes of buffers that a call keeps for the next request.
  static constexpr size_t kept_capacity = 16384;

  void reset() noexcept;
  // Tells that the head's bytes are at `to` now: views into them move along.
  void rebase(const char* to) noexcept;
  // Moves the head, and the body, out of the shard's buffers into the call's own.
  // False when there was no memory; the views are then still the old ones.
  bool retain() noexcept;
  // Reads and checks what the plan of its route asks for, once the request is complete; by whoever runs the handler,
  // with a reader of its own, where the shard has left that to it or retain() has left the values behind. False when
  // there are errors, or no memory for them.
  bool read_values(const schema::plan& plan, json::reader& reader, schema::error_list& errors) noexcept;
  std::span<const std::string_view> path_values() const noexcept {
    return {matched.values.data(), matched.parameter_count};
  }

  call* pool_next = nullptr;
  connection* origin = nullptr;   // null once the client is gone, or has its answer: the handler's will be dropped
  call_runner* runner = nullptr;  // that runs the handler while it is suspended; null: the shard's own thread does
  stage at = stage::head;
  bool parser_ready = false;  // the parser has this shard's limits
  bool sent_continue = false;
  bool routed = false;      // `matched` is its route
  bool handed_out = false;  // to the driver, whose handler runs for it
  bool pooled = false;      // that handler runs, or ran, on a pooled worker
  bool counted = false;     // among those in flight
  bool outlasts = false;    // the turn in which its handler began

  http::h1::head_parser parser{http::h1::head_limits{}};
  http::request_head head;
  http::h1::body_decoder decoder;

  std::string_view path;  // percent-decoded
  http::router::match matched;
  std::string_view body;
  // Set where the engine would refuse the request and the driver is to answer instead (application::intercepts).
  struct refusal {
    uint16_t status = 0;
    std::string_view allow;  // of 405: the Allow field; in `memory`
    std::string_view body;   // of 422: the JSON that would have been sent; in `memory`
  };
  refusal refused;
  bool close_after = false;  // the connection is closed after the answer
  bool timed_out = false;    // the engine has answered, because its deadline passed
  int64_t answer_by_ms = 0;  // its deadline on the shard's clock (core::coarse_ms); 0: none

  schema::value* values = nullptr;  // one for each parameter of the route's plan; in `memory`; null: not read

  core::byte_buffer body_bytes;  // a chunked body, decoded
  core::byte_buffer held;        // what retain() moved
  core::arena memory;

  // Its name in logs. The head must be readable, where it was received whole.
  http::request_id id() const noexcept {
    return at == stage::head ? http::request_id::of(number) : http::request_id::of(head, number);
  }

  // The Traceparent field, where there is one that is valid. The head must be readable.
  std::string_view trace_parent() const noexcept;

  uint64_t number = 0;      // unlike that of any other request; of which its id is made
  core::ticks began;        // the beginning of the turn in which the head was complete
  void* handler = nullptr;  // the driver's: what runs for this call while it is suspended
  void* view = nullptr;     // the driver's: the object through which the handler sees this request; the call owns it
};

}  // namespace fasterapi::server
