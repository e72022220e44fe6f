#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer_pool.h"
#include "core/intrusive_list.h"
#include "core/object_pool.h"
#include "core/ticks.h"
#include "core/timer_wheel.h"
#include "fasterapi/core/result.h"
#include "http/date.h"
#include "http/h1/response_writer.h"
#include "json/reader.h"
#include "net/listener.h"
#include "net/poller.h"
#include "schema/errors.h"
#include "server/access_log.h"
#include "server/address_counts.h"
#include "server/answer_view.h"
#include "server/application.h"
#include "server/call.h"
#include "server/config.h"
#include "server/connection.h"
#include "server/in_flight.h"
#include "server/metrics_seat.h"
#include "server/orders.h"
#include "server/posted_answer.h"
#include "server/shortages.h"

namespace fasterapi::server {

// One event loop: a listener, its connections, their timers. Shares nothing with other shards.
//
// Driven by one thread at a time, which calls in turn:
//
//   shard.wait(timeout_ms);                          // epoll_wait; the only member that blocks
//   while (call* c = shard.next_call()) {            // I/O, parsing, routing, validation
//     … run c's handler …                            // nothing of the shard is on the stack here
//     shard.answer(*c, response) or shard.suspend(*c, …) or shard.delegate(*c, …)
//   }
//   while (call* c = shard.next_cancelled()) …       // suspended calls whose client is gone, or has its answer
//
// A suspended call is answered later by answer(), between waits. Other threads may call what is marked with "Any
// thread".
//
// A call that is suspended, or whose handler runs while the shard is lent, and that has a deadline, is answered with
// 504 when that passes; it is still ended by answer(), which then drops what it is given.
class shard {
 public:
  // A shard that watches descriptors, and serves nothing yet.
  static core::result<std::unique_ptr<shard>> create(const config& settings);
  // No call is delegated any more.
  ~shard();
  // Ends a shard that may have delegated calls: it closes its connections, and stays, so that the handlers that still
  // run find what they were given.
  static void retire(std::unique_ptr<shard> ended) noexcept;
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  // Starts to accept requests for `app`, which must outlive the shard.
  core::result<> serve(const application& app, net::listener listener);

  // Waits for I/O up to `timeout_ms` (-1: without end), less when a connection's deadline is nearer.
  void wait(int64_t timeout_ms) noexcept;
  // Whether next_call() or next_cancelled() has something to do that no wait would report.
  bool has_pending_work() const noexcept {
    return !resumed_.empty() || !posted_.empty() || (!lent_ && (!cancelled_.empty() || !deferred_.empty()));
  }

  // The next request whose handler is to be run, or null when this turn's events are used up. Its values are read, or,
  // with a body of limits::read_by_handler_bytes or more, left to whoever runs the handler.
  call* next_call() noexcept;
  // Sends the answer and ends the call. `answer` is read before this returns.
  void answer(call& ended, const answer_view& answer) noexcept;
  // Answers 500 with a request id, and logs `why` beside it.
  void answer_internal_error(call& ended, std::string_view why) noexcept;
  // The answer to a call whose values were refused, to be given at once: it is valid until then. None where the driver
  // is to answer itself (application::intercepts): the call's `refused` is set.
  std::optional<answer_view> refuse_invalid(call& refused, const schema::error_list& errors) noexcept;
  // The handler goes on later. Views into the request stay valid afterwards only with `keep_request`.
  // False, with nothing changed, when there was no memory for that.
  [[nodiscard]] bool suspend(call& later, bool keep_request) noexcept;
  // Suspends the call and has `runner` run its handler; answers 503 where that has no room. `runner` outlives the call.
  void delegate(call& given, call_runner& runner) noexcept;
  // Any thread: the answer to a call that was delegated. It is taken in the driver's next wait(), which may be the
  // shard's last: its destructor waits for whoever is in here still.
  void post(posted_answer& posted) noexcept;
  // Whether its handler runs on the thread that the shard belongs to, whatever that is busy with: one that is
  // run_mode::inlined, and a coroutine where `runner` is of the same interpreter. What coroutines share, such as an
  // asyncio.Event, belongs to one loop.
  bool is_bound(const call& given, const call_runner& runner) const noexcept;
  // Calls that were delegated, and whose handlers run on although their deadline has passed.
  size_t overdue() const noexcept { return overdue_; }
  // Keeps the call for the thread that the shard belongs to, which is handed it out again after take_back().
  void defer(call& later) noexcept;
  // Answers 503 and closes: nobody can run its handler here, or those of all calls that were deferred, but others may.
  void turn_away(call& refused) noexcept;
  void turn_away_deferred() noexcept;
  // A suspended call that nobody waits for any more; its handler should end soon, and must still be ended by answer().
  call* next_cancelled() noexcept { return cancelled_.pop_front(); }

  // Waits for a descriptor of the driver's as well (level-triggered, readable). False with errno set when the kernel
  // refuses. It is not waited for while the shard is lent.
  bool watch(int fd) noexcept;
  // Whether it was ready in the last wait; known when next_call() has returned null.
  bool watched_is_ready() const noexcept { return watched_is_ready_; }

  // Another thread drives from here on, which calls this, while the thread that the shard belongs to is in the handler
  // of `running` (null: in none). What that handler was given stays valid.
  void lend(call* running) noexcept;
  // The other thread has done its last turn: next_call() has returned null. Called by it.
  void take_back() noexcept;
  // Tells the log that its worker is busy, and that there is nobody who could drive it meanwhile. By whoever has it.
  void note_missing_driver() noexcept;

  // Any thread. Lets nobody connect any more, answers what comes until each connection has been idle for
  // limits::stop_idle_ms, closes connections after their answer, lets calls finish.
  void request_stop() noexcept;
  // Any thread. Leaves the listeners to others, who accept from them already, and then ends as after request_stop(), in
  // its own time (limits::drain_idle_ms).
  void request_drain() noexcept;
  // Any thread. Also accepts from `other`, until it is removed by its key or the shard ends.
  void add_listener(int key, net::listener other) noexcept;
  void remove_listener(int key) noexcept;
  void wake() const noexcept { poller_.wake(); }
  bool stopping() const noexcept { return stopping_; }
  // Stopping or draining, and every call is answered and sent.
  bool drained() const noexcept { return stopping_ && open_.empty() && away_ == 0; }

  const net::address& local() const noexcept { return listener_.local; }
  // What it did; also for those who have to do with its calls elsewhere, where that says who may write what.
  shard_counts& counts() const noexcept { return seat_.counts(); }
  // When the last wait ended.
  core::ticks turn_began() const noexcept { return turn_began_; }
  // Whether this turn is one of those whose length is recorded.
  bool measures_turn() const noexcept { return turns_ % shard_counts::turns_per_measure == 1; }
  // When the last answer was given; empty: none was yet.
  core::ticks last_answer() const noexcept { return last_answer_; }
  // Connections that are open and were not turned away.
  size_t open_connections() const noexcept { return open_count_; }
  // Requests whose handlers have not ended.
  uint32_t requests_in_flight() const noexcept { return in_flight_.here(); }

 private:
  // Where requests that arrive whole lie, and what reads their bodies: a running handler looks at both.
  struct desk {
    explicit desk(uint32_t json_depth_max) : block(new char[limits::receive_block_bytes]), reader(json_depth_max) {}
    std::unique_ptr<char[]> block;
    json::reader reader;
  };
  using extra_fields = std::span<const http::h1::response_field>;

  // Events carry a pointer to their connection, or one of these in the bits that a pointer leaves free.
  static constexpr uint64_t tag_bits = 3;
  static constexpr uint64_t listener_bits = 1;  // above them, the listener's descriptor
  static constexpr uint64_t watched_tag = 3;
  static constexpr uint32_t connection_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  static uint64_t listener_tag(int fd) noexcept { return uint64_t{static_cast<uint32_t>(fd)} << 2 | listener_bits; }

  shard(const config& settings, net::poller poller, metrics_seat seat);

  // shard.cc: events and connections
  void handle_event(const epoll_event& event) noexcept;
  void handle_connection_event(connection& from, uint32_t events) noexcept;
  void carry_out_orders() noexcept;
  void begin_end(ending how) noexcept;
  void leave_listener(net::listener& left) noexcept;
  int64_t idle_span_ms() const noexcept;
  void work_on(connection& next) noexcept;
  void close(connection& ended) noexcept;
  void expire(connection& late) noexcept;
  void set_deadline(connection& waiting) noexcept;
  void arm_body_deadline(connection& receiving) noexcept;
  void leave_current() noexcept;
  void end_turn() noexcept;
  void give_up(call& unwanted) noexcept;
  void time_out(call& late) noexcept;
  void arm_deadline(call& outlasting) noexcept;
  void set_aside(call& running) noexcept;
  call* hand_out(call& ready) noexcept;
  void flush_log() noexcept;
  void take_posted() noexcept;
  void outlast_turn(call& kept) noexcept;

  // accepting.cc: connections come, or are turned away
  template <typename Act>
  void for_each_listener(Act&& act) noexcept {
    if (listener_.socket.valid()) act(listener_);
    for (orders::extra& one : extra_listeners_) act(one.from);
  }
  bool accept_connections(int listener) noexcept;
  void admit(int fd, const net::address& peer) noexcept;
  void turn_away(int fd, shortage why) noexcept;
  void open_reserve() noexcept;
  bool shed_connections(int listener) noexcept;
  void pause_accepting() noexcept;
  bool watch_listeners(uint32_t events) noexcept;
  void resume_accepting() noexcept;
  int64_t accept_pause_left_ms(int64_t limit_ms) const noexcept;
  void note(shortage what) noexcept;

  // intake.cc: bytes → calls
  struct window {
    const char* data;
    size_t size;
  };
  window unread(connection& from) noexcept;
  void consume(connection& from, size_t count) noexcept;
  bool carry_over(connection& from) noexcept;
  call* advance(connection& from) noexcept;
  bool read_more(connection& from) noexcept;
  bool yields(connection& from) noexcept;
  call* parse(connection& from) noexcept;
  call* parse_head(connection& from, call& request) noexcept;
  call* parse_body(connection& from, call& request) noexcept;
  call* parse_chunks(connection& from, call& request) noexcept;
  bool accept_head(connection& from, call& request) noexcept;
  bool find_route(call& request) noexcept;
  bool host_allowed(const call& request) const noexcept;
  void refuse_method(call& request) noexcept;
  void lack_memory(call& request) noexcept;
  bool redirect_slash(call& request) noexcept;
  void reject(call& request, uint16_t status, std::string_view detail, extra_fields fields) noexcept;
  bool skip_body(call& request) noexcept;
  void hand_over(call& request) noexcept;
  void refuse_for_now(call& request) noexcept;
  call* dispatch(call& request) noexcept;
  void send_continue(connection& to, call& request) noexcept;
  void probe(connection& suspect) noexcept;
  void linger(connection& from) noexcept;
  void drain(connection& from) noexcept;

  // replies.cc: answers
  void respond(call& ended, const answer_view& given) noexcept;
  void respond_detail(call& ended, uint16_t status, std::string_view detail, std::string_view id, extra_fields fields,
                      bool close) noexcept;
  void release(call& ended) noexcept;
  void send_detail(call& ended, uint16_t status, std::string_view detail, std::string_view id, extra_fields fields,
                   bool close) noexcept;
  void send_busy(call& refused, std::string_view detail, bool close = false) noexcept;
  void reply(call& ended, uint16_t status, std::string_view detail, extra_fields fields, bool close) noexcept;
  void finish_output(connection& to, connection::sent state) noexcept;
  void take_note_of(const call& ended, const answer_view& given) noexcept;

  // Constant after construction.
  const config settings_;

  // Owned by the driving thread.
  const application* app_ = nullptr;
  net::listener listener_;
  std::vector<orders::extra> extra_listeners_;
  net::poller poller_;
  net::descriptor reserve_;      // given up to accept, and turn away, a connection when descriptors run out
  int64_t accept_again_ms_ = 0;  // when listeners are watched again; 0 while they are
  size_t open_count_ = 0;        // connections that were admitted
  size_t lingering_count_ = 0;   // connections that were turned away, and are open still
  address_counts addresses_;
  in_flight in_flight_;
  shortages shortages_;
  std::unique_ptr<desk> desk_;
  std::unique_ptr<desk> other_desk_;  // while the shard is lent: the one that a running handler may look at
  size_t block_begin_ = 0;            // unread bytes of current_ in the desk's block
  size_t block_end_ = 0;
  connection* current_ = nullptr;  // whose events are being worked on
  uint32_t current_requests_ = 0;  // of it, since that began
  uint64_t current_bytes_ = 0;
  std::span<epoll_event> events_;
  size_t next_event_ = 0;
  int64_t now_ms_;
  int64_t now_s_ = 0;      // wall clock
  bool stopping_ = false;  // ends in some way
  ending ending_ = ending::none;
  int watched_ = -1;
  bool watched_is_ready_ = false;
  bool lent_ = false;
  size_t away_ = 0;     // calls that a call_runner has
  size_t overdue_ = 0;  // of them: past their deadline
  core::buffer_pool buffers_;
  core::object_pool<connection> connections_;
  core::object_pool<call> calls_;
  core::timer_wheel<connection> timers_;
  core::timer_wheel<call, limits::deadline_tick_ms> deadlines_;  // of calls
  core::intrusive_list<connection, open_tag> open_;
  core::intrusive_list<connection, resume_tag> resumed_;
  core::intrusive_list<connection, resume_tag> yielded_;  // have more to do, once everybody else had a turn
  core::intrusive_list<call, waiting_tag> cancelled_;
  core::intrusive_list<call, waiting_tag> deferred_;
  // Given back to the pool when no event of this turn can name them any more.
  core::intrusive_list<connection, open_tag> closed_;
  schema::error_list errors_;
  core::byte_buffer reply_;
  http::date_cache date_;
  access_log log_;
  uint64_t request_id_base_;
  uint64_t request_id_count_ = 0;
  metrics_seat seat_;
  core::ticks turn_began_;
  core::ticks last_answer_;
  uint32_t turns_ = 0;  // that began

  // Any thread.
  posted_answers posted_;
  std::atomic<uint32_t> posting_ = 0;  // threads in post()
  orders orders_;
};

}  // namespace fasterapi::server
