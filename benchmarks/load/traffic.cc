// A load client that accounts for every request: see traffic.h, and usage() for its options.

#include <sys/epoll.h>

#include "traffic.h"

#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "socket.h"

namespace {

constexpr int events_max = 512;
constexpr uint64_t retry_pause_us = 2'000;  // after a refused connection
constexpr uint64_t timeout_check_us = 100'000;
constexpr std::string_view id_mark = "{id}";

uint64_t now_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

std::string with_id(std::string text, uint64_t id) {
  if (const size_t at = text.find(id_mark); at != std::string::npos)
    text.replace(at, id_mark.size(), std::to_string(id));
  return text;
}

}  // namespace

traffic::traffic(const traffic_options& asked) : asked_(asked), random_(asked.seed), next_id_(asked.first_id) {
  poller_ = epoll_create1(EPOLL_CLOEXEC);
  alarm_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (poller_ < 0 || alarm_ < 0) stop("epoll");
  epoll_event wanted = {.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (epoll_ctl(poller_, EPOLL_CTL_ADD, alarm_, &wanted) < 0) stop("epoll_ctl");
  wanted.data.ptr = this;
  if (epoll_ctl(poller_, EPOLL_CTL_ADD, STDIN_FILENO, &wanted) < 0) stop("standard input must be a pipe");
  for (const target& each : asked_.targets) weights_ += each.weight;
  if (!asked_.outcomes.empty() && (outcomes_ = std::fopen(asked_.outcomes.c_str(), "wb")) == nullptr) stop("outcomes");
  for (size_t i = 0; i < asked_.connections; ++i) {
    links_.push_back(std::make_unique<link>());
    unmade_.push_back(links_.back().get());
  }
}

traffic::~traffic() {
  for (const auto& each : links_) {
    if (each->descriptor >= 0) close(each->descriptor);
  }
  if (outcomes_ != nullptr) std::fclose(outcomes_);
  close(alarm_);
  close(poller_);
}

void traffic::run() {
  begun_us_ = checked_us_ = now_us();
  current_.name = "begin";
  current_.begun_us = begun_us_;
  uint64_t stopped_us = 0;
  std::array<epoll_event, events_max> ready;
  for (;;) {
    const uint64_t now = now_us();
    if (!may_send()) {
      if (stopped_us == 0) stopped_us = now;
      // Every answer that is due has its time.
      if (under_way_ == 0 || now > stopped_us + static_cast<uint64_t>(asked_.timeout_s * 1e6)) break;
    }
    if (now >= retry_us_) {
      for (size_t left = unmade_.size(); left > 0 && may_send() && now >= retry_us_; --left) {
        link& each = *unmade_.front();
        unmade_.pop_front();
        make(each);
      }
    }
    send_due();
    const int count = epoll_wait(poller_, ready.data(), events_max, wait_ms(now_us()));
    if (count < 0 && errno != EINTR) stop("epoll_wait");
    for (int i = 0; i < count; ++i) look_at(ready[static_cast<size_t>(i)]);
    check_timeouts();
  }
  for (const auto& each : links_) {
    if (each->is == state::waiting) over(*each, outcome_hung), ++current_.hung;
  }
  mark("end");
}

bool traffic::may_send() const {
  if (is_told_to_stop_) return false;
  if (asked_.requests > 0 && next_id_ - asked_.first_id >= asked_.requests) return false;
  return asked_.seconds <= 0 || now_us() < begun_us_ + static_cast<uint64_t>(asked_.seconds * 1e6);
}

int traffic::wait_ms(uint64_t now) const {
  if (!unmade_.empty() && may_send()) return retry_us_ > now ? static_cast<int>((retry_us_ - now) / 1000 + 1) : 0;
  return 50;
}

void traffic::look_at(const epoll_event& ready) {
  if (ready.data.ptr == nullptr) {
    uint64_t rung = 0;
    [[maybe_unused]] const ssize_t count = read(alarm_, &rung, sizeof rung);
  } else if (ready.data.ptr == this) {
    read_orders();
  } else {
    link& of = *static_cast<link*>(ready.data.ptr);
    if (of.descriptor < 0) return;  // closed by an earlier event of this turn
    if (of.is == state::connecting) {
      made(of);
    } else {
      hear(of);
    }
  }
}

void traffic::make(link& of) {
  of.descriptor = begin_connecting(asked_.port);
  if (of.descriptor < 0) {
    ++current_.refused;
    retry_us_ = now_us() + retry_pause_us;
    unmade_.push_back(&of);
    return;
  }
  of.is = state::connecting;
  epoll_event wanted = {.events = EPOLLOUT, .data = {.ptr = &of}};
  if (epoll_ctl(poller_, EPOLL_CTL_ADD, of.descriptor, &wanted) < 0) stop("epoll_ctl");
}

void traffic::made(link& of) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(of.descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
    ++current_.refused;
    retry_us_ = now_us() + retry_pause_us;
    unmake(of, false);
    return;
  }
  epoll_event wanted = {.events = EPOLLIN, .data = {.ptr = &of}};
  if (epoll_ctl(poller_, EPOLL_CTL_MOD, of.descriptor, &wanted) < 0) stop("epoll_ctl");
  of.is = state::idle;
  of.served = 0;
  of.reader.forget();
  idle_.push_back(&of);
}

void traffic::hear(link& from) {
  std::array<char, 65536> bytes;
  const ssize_t count = recv(from.descriptor, bytes.data(), bytes.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return ended(from);
  from.has_heard = true;
  from.reader.feed({bytes.data(), static_cast<size_t>(count)});
  switch (from.reader.read()) {
    case answer_reader::progress::incomplete:
      return;
    case answer_reader::progress::whole:
      return answered(from);
    case answer_reader::progress::broken:
      ++current_.wrong;
      if (from.is == state::waiting) over(from, outcome_wrong);
      unmake(from, true);
  }
}

// A whole answer has come. Without a request it can only be a farewell, as 408 and 503 are.
void traffic::answered(link& by) {
  const unsigned status = by.reader.status();
  if (by.is != state::waiting) {
    if (status != 408 && status != 503) ++current_.wrong;
    return unmake(by, false);
  }
  const bool is_right = status != 200 || !by.asked->is_echoed || by.reader.body() == std::to_string(by.id);
  const bool closes = by.reader.closes();
  by.reader.pop();
  if (!is_right || !by.reader.empty()) {
    ++current_.wrong;
    over(by, outcome_wrong);
    return unmake(by, true);
  }
  const uint64_t took_us = now_us() - by.due_us;
  ++current_.answered[status];
  current_.of_all.add(took_us);
  if (status == 200) current_.of_success.add(took_us);
  over(by, status);
  ++by.served;
  if (closes || (asked_.requests_per_connection > 0 && by.served >= asked_.requests_per_connection)) {
    return unmake(by, false);
  }
  by.is = state::idle;
  idle_.push_back(&by);
}

void traffic::ended(link& by) {
  if (by.is == state::waiting) {
    ++current_.lost;
    if (!by.has_heard && by.served > 0) ++current_.lost_reused;
    over(by, outcome_lost);
  }
  unmake(by, false);
}

void traffic::unmake(link& of, bool abruptly) {
  if (of.is == state::idle) std::erase(idle_, &of);
  if (abruptly) {
    reset(of.descriptor);
  } else {
    close(of.descriptor);
  }
  of.descriptor = -1;
  of.is = state::unmade;
  of.reader.forget();
  unmade_.push_back(&of);
}

// The account of the request under way is closed.
void traffic::over(link& of, uint64_t became) {
  --under_way_;
  if (outcomes_ == nullptr) return;
  const std::array<uint64_t, 2> record = {of.id, became};
  if (std::fwrite(record.data(), sizeof record, 1, outcomes_) != 1) stop("outcomes");
}

void traffic::send_due() {
  if (asked_.rate_per_s <= 0) {
    while (!idle_.empty() && may_send()) {
      link& by = *idle_.front();
      idle_.pop_front();
      send_next(by, now_us());
    }
    return;
  }
  const double step_us = 1e6 / asked_.rate_per_s;
  uint64_t next_us = begun_us_ + static_cast<uint64_t>(static_cast<double>(due_count_) * step_us);
  for (const uint64_t now = now_us(); next_us <= now && may_send();) {
    overdue_us_.push_back(next_us);
    next_us = begun_us_ + static_cast<uint64_t>(static_cast<double>(++due_count_) * step_us);
  }
  while (!overdue_us_.empty() && !idle_.empty() && may_send()) {
    link& by = *idle_.front();
    idle_.pop_front();
    const uint64_t due_us = overdue_us_.front();
    overdue_us_.pop_front();
    send_next(by, due_us);
  }
  itimerspec when = {};
  when.it_value.tv_sec = static_cast<time_t>(next_us / 1'000'000);
  when.it_value.tv_nsec = static_cast<long>(next_us % 1'000'000 * 1000);
  if (timerfd_settime(alarm_, TFD_TIMER_ABSTIME, &when, nullptr) < 0) stop("timerfd_settime");
}

const target& traffic::choose() {
  if (asked_.targets.size() == 1) return asked_.targets.front();
  uint64_t drawn = random_() % weights_;
  for (const target& each : asked_.targets) {
    if (drawn < each.weight) return each;
    drawn -= each.weight;
  }
  return asked_.targets.back();
}

void traffic::send_next(link& by, uint64_t due_us) {
  by.asked = &choose();
  by.id = next_id_++;
  by.due_us = due_us;
  by.sent_us = now_us();
  by.has_heard = false;
  by.is = state::waiting;
  ++under_way_;
  ++current_.sent;
  const std::string text = with_id(by.asked->text, by.id);
  const ssize_t count = send(by.descriptor, text.data(), text.size(), MSG_NOSIGNAL);
  if (count != static_cast<ssize_t>(text.size())) return ended(by);
  if (asked_.abandoned_share > 0 && std::uniform_real_distribution<>()(random_) < asked_.abandoned_share) {
    ++current_.abandoned;
    over(by, outcome_abandoned);
    by.is = state::connecting;  // it is in no list
    unmake(by, random_() % 2 == 0);
  }
}

void traffic::check_timeouts() {
  const uint64_t now = now_us();
  if (now < checked_us_ + timeout_check_us) return;
  checked_us_ = now;
  const auto timeout_us = static_cast<uint64_t>(asked_.timeout_s * 1e6);
  for (const auto& each : links_) {
    if (each->is == state::waiting && now > each->sent_us + timeout_us) {
      ++current_.hung;
      over(*each, outcome_hung);
      unmake(*each, true);
    }
  }
}

void traffic::read_orders() {
  std::array<char, 512> bytes;
  const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count <= 0) {
    is_told_to_stop_ = true;
    epoll_ctl(poller_, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
    return;
  }
  orders_.append(bytes.data(), static_cast<size_t>(count));
  for (size_t end = orders_.find('\n'); end != std::string::npos; end = orders_.find('\n')) {
    obey(std::string_view(orders_).substr(0, end));
    orders_.erase(0, end + 1);
  }
}

void traffic::obey(std::string_view order) {
  if (order == "stop") {
    is_told_to_stop_ = true;
  } else if (order.starts_with("mark ")) {
    mark(order.substr(5));
  }
}

// What is under way belongs to the section in which it ends.
void traffic::mark(std::string_view name) {
  const uint64_t now = now_us();
  if (outcomes_ != nullptr && std::fflush(outcomes_) != 0) stop("outcomes");
  current_.print(now);
  current_ = section();
  current_.name = name;
  current_.begun_us = now;
}

namespace {

constexpr const char* usage =
    "usage: traffic --port PORT --target [WEIGHT:]PATH … [OPTION VALUE …]\n"
    "  --connections N    (64)          --rate N           requests a second in all; 0: on each answer the next (0)\n"
    "  --seconds S        0: until told --requests N       0: no bound\n"
    "  --timeout S        hung (10)     --per-connection N requests, then another connection\n"
    "  --abandon SHARE    of requests   --first-id N       {id} in a PATH counts from it (1); answers must be it\n"
    "  --outcomes FILE    --seed N\n"
    "Orders on standard input: mark NAME, stop.\n";

template <typename Number>
bool parse(std::string_view word, Number& into) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), into);
  return error == std::errc{} && end == word.data() + word.size();
}

bool parse_target(std::string_view word, target& into) {
  if (const size_t colon = word.find(':'); colon != std::string_view::npos) {
    if (!parse(word.substr(0, colon), into.weight) || into.weight == 0) return false;
    word.remove_prefix(colon + 1);
  }
  if (!word.starts_with('/')) return false;
  into.text = "GET " + std::string(word) + " HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
  into.is_echoed = word.find(id_mark) != std::string_view::npos;
  return true;
}

bool parse_option(std::string_view name, std::string_view value, traffic_options& into) {
  if (name == "--port") return parse(value, into.port);
  if (name == "--connections") return parse(value, into.connections);
  if (name == "--rate") return parse(value, into.rate_per_s);
  if (name == "--seconds") return parse(value, into.seconds);
  if (name == "--requests") return parse(value, into.requests);
  if (name == "--timeout") return parse(value, into.timeout_s);
  if (name == "--per-connection") return parse(value, into.requests_per_connection);
  if (name == "--abandon") return parse(value, into.abandoned_share);
  if (name == "--first-id") return parse(value, into.first_id);
  if (name == "--seed") return parse(value, into.seed);
  if (name == "--outcomes") return !(into.outcomes = value).empty();
  if (name == "--target") return parse_target(value, into.targets.emplace_back());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  traffic_options asked;
  bool is_clear = argc % 2 == 1;
  for (int i = 1; is_clear && i + 1 < argc; i += 2) is_clear = parse_option(argv[i], argv[i + 1], asked);
  if (!is_clear || asked.port == 0 || asked.targets.empty() || asked.connections == 0) {
    std::fputs(usage, stderr);
    return 2;
  }
  raise_descriptor_limit();
  traffic of(asked);
  of.run();
  return 0;
}
