#include "server/log_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "core/clock.h"
#include "core/thread.h"
#include "fasterapi/core/futex.h"
#include "server/log_clock.h"

namespace fasterapi::server {

namespace {

// Lines gather for so long before they are written: many at once cost little more than one.
constexpr auto gathering = std::chrono::milliseconds(1);
constexpr auto drain_step = std::chrono::milliseconds(1);

// Writes all of `bytes`, however long that takes; gives up where the descriptor refuses, since there is nowhere to say
// so.
void write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd full{fd, POLLOUT, 0};
      ::poll(&full, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

std::string notice_of(uint64_t lines, bool as_json) {
  log_clock clock(as_json);
  const std::string time(clock.at(wall_ms()));
  const std::string what = std::to_string(lines) + (lines == 1 ? " line of the log was" : " lines of the log were") +
                           " dropped: they were not read in time";
  if (!as_json) return time + " WARNING " + what + '\n';
  return R"({"time":")" + time + R"(","level":"warning","logger":"fasterapi.access","message":")" + what + "\"}\n";
}

}  // namespace

struct log_writer::lane {
  lane(size_t bytes, bool as_json) noexcept : ring(bytes), as_json(as_json) {}

  log_ring ring;
  const bool as_json;
  std::atomic<bool> ended = false;  // nothing more will come
  std::atomic<uint64_t> told = 0;   // of the lines dropped: those that the log tells of

  bool is_settled() const noexcept { return ring.empty() && told.load(std::memory_order_acquire) == ring.dropped(); }

  // The writer's thread. Whether there was anything to write.
  bool write_what_is_there() {
    bool any = false;
    for (log_ring::piece oldest = ring.front(); !oldest.lines.empty(); oldest = ring.front()) {
      write_all(oldest.to, oldest.lines);
      ring.pop();
      any = true;
    }
    const uint64_t dropped = ring.dropped();
    const uint64_t untold = dropped - told.load(std::memory_order_relaxed);
    if (untold == 0) return any;
    write_all(STDOUT_FILENO, notice_of(untold, as_json));
    told.store(dropped, std::memory_order_release);
    return true;
  }
};

log_writer& log_writer::of_process() {
  static auto& writer = *new log_writer;
  return writer;
}

log_writer::source::source(log_writer& writer, size_t bytes, bool as_json)
    : writer_(writer), lane_(std::make_shared<lane>(bytes, as_json)) {
  writer_.add(lane_);
}

log_writer::source::~source() {
  const int64_t deadline = core::coarse_ms() + drain_ms;
  while (!lane_->is_settled() && core::coarse_ms() < deadline) std::this_thread::sleep_for(drain_step);
  lane_->ended.store(true, std::memory_order_release);
}

uint64_t log_writer::source::write(int to, std::string_view lines) noexcept {
  if (lines.empty()) return 0;  // there was no memory for them; in the ring they would look like its end
  uint64_t dropped = 0;
  if (!lane_->ring.push(to, lines)) {
    dropped = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    lane_->ring.add_dropped(dropped);
  }
  writer_.ring();
  return dropped;
}

void log_writer::ring() noexcept {
  if (rung_.exchange(1, std::memory_order_seq_cst) == 0) core::futex_wake(rung_, 1);
  if (!is_running_.load(std::memory_order_relaxed)) start();
}

// Where there is no thread to be had, the next line tries again.
void log_writer::start() noexcept {
  if (is_running_.exchange(true, std::memory_order_relaxed)) return;
  auto started = core::thread::start("log-writer", [this] {
    for (;;) turn();
  });
  if (started.ok()) {
    started.value().detach();
  } else {
    is_running_.store(false, std::memory_order_relaxed);
  }
}

void log_writer::add(const std::shared_ptr<lane>& opened) {
  // What its first line tells may be that there are no threads left.
  if (!is_running_.load(std::memory_order_relaxed)) start();
  const std::lock_guard lock(mutex_);
  forget_ended();
  lanes_.push_back(opened);
}

void log_writer::forget_ended() {
  std::erase_if(lanes_, [](const std::shared_ptr<lane>& one) {
    return one->ended.load(std::memory_order_acquire) && one->is_settled();
  });
}

void log_writer::turn() noexcept {
  // What is written from here on rings again; what was written before is seen below.
  rung_.exchange(0, std::memory_order_seq_cst);
  std::vector<std::shared_ptr<lane>> lanes;
  {
    const std::lock_guard lock(mutex_);
    forget_ended();
    lanes = lanes_;
  }
  bool any = false;
  for (const std::shared_ptr<lane>& one : lanes) any = one->write_what_is_there() || any;
  lanes.clear();
  if (any) {
    std::this_thread::sleep_for(gathering);
  } else {
    core::futex_wait(rung_, 0);
  }
}

}  // namespace fasterapi::server
