#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "answer_reader.h"
#include "section.h"

struct target {
  unsigned weight = 1;
  std::string text;  // the request, with {id} where its number goes
  bool is_echoed = false;
};

struct traffic_options {
  uint16_t port = 0;
  size_t connections = 64;
  double rate_per_s = 0;  // of all connections together; 0: each sends on the answer to the one before
  double seconds = 0;     // 0: until told to stop
  uint64_t requests = 0;  // 0: no bound
  uint64_t first_id = 1;
  uint64_t requests_per_connection = 0;  // 0: no bound
  double abandoned_share = 0;            // of the requests: the connection is left without waiting for the answer
  double timeout_s = 10;                 // after which a request counts as hung
  unsigned seed = 1;
  std::string outcomes;  // a file of (id, outcome), 64 bits each
  std::vector<target> targets;
};

// Sends requests over many connections and accounts for every one of them. One thread, one level-triggered epoll loop.
//
// With a rate, requests are due at fixed times, whatever becomes of those before them, and their latency counts from
// then: a server that stands still for a second makes a second's requests late, not one a connection.
class traffic {
 public:
  explicit traffic(const traffic_options& asked);
  ~traffic();
  traffic(const traffic&) = delete;
  traffic& operator=(const traffic&) = delete;

  // Until the requests or seconds are used up, or `stop` is read from standard input. `mark NAME` there ends a section
  // and begins another. Each section is a line of JSON on standard output.
  void run();

 private:
  enum class state { unmade, connecting, idle, waiting };
  struct link {
    int descriptor = -1;
    state is = state::unmade;
    uint64_t served = 0;  // answers on this connection
    uint64_t id = 0;      // of the request under way
    uint64_t due_us = 0;
    uint64_t sent_us = 0;
    const target* asked = nullptr;
    bool has_heard = false;  // bytes of its answer
    answer_reader reader;
  };
  // What became of a request, in the file of outcomes: a status, or one of these.
  enum outcome : uint64_t { outcome_lost = 1, outcome_abandoned = 2, outcome_hung = 3, outcome_wrong = 4 };

  void look_at(const epoll_event& ready);
  void make(link& of);
  void made(link& of);
  void hear(link& from);
  void answered(link& by);
  void ended(link& by);
  void unmake(link& of, bool abruptly);
  void over(link& of, uint64_t became);

  void send_due();
  void send_next(link& by, uint64_t due_us);
  bool may_send() const;
  const target& choose();
  void check_timeouts();
  void read_orders();
  void obey(std::string_view order);
  void mark(std::string_view name);
  int wait_ms(uint64_t now_us) const;

  traffic_options asked_;
  int poller_ = -1;
  int alarm_ = -1;  // rings when the next request is due
  std::vector<std::unique_ptr<link>> links_;
  std::deque<link*> idle_;
  std::deque<link*> unmade_;
  std::deque<uint64_t> overdue_us_;
  std::mt19937_64 random_;
  unsigned weights_ = 0;
  std::FILE* outcomes_ = nullptr;
  std::string orders_;

  uint64_t begun_us_ = 0;
  uint64_t next_id_ = 0;
  uint64_t due_count_ = 0;
  uint64_t retry_us_ = 0;
  uint64_t checked_us_ = 0;
  size_t under_way_ = 0;
  bool is_told_to_stop_ = false;

  section current_;
};
