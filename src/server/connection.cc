#include "server/connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <utility>

#include "net/stream.h"

namespace fasterapi::server {

void connection::reset() noexcept {
  fd = -1;
  at = phase::receiving;
  readable = half_closed = close_after = input_left = turned_away = stalls = probed = false;
  answered = 0;
  taken = delivered = 0;
  active = nullptr;
  if (unsent() > 0) traffic->settled.add(unsent());
  in_begin = out_begin = 0;
  discarded = 0;
  body_received = 0;
  since_ms = 0;
  if (buffers != nullptr) {
    buffers->take_back(in);
    buffers->take_back(out);
  }
}

bool connection::hold_input(std::string_view bytes) noexcept {
  if (bytes.empty()) return true;
  buffers->lend(in);
  in.append(bytes);
  return !in.failed();
}

char* connection::input_room(size_t size) noexcept {
  buffers->lend(in);
  in.consume(std::exchange(in_begin, 0));
  return in.prepare(size);
}

char* connection::output_room(size_t size) noexcept {
  buffers->lend(out);
  char* room = out.extend(size);
  if (room != nullptr) traffic->queued.add(size);
  return room;
}

connection::sent connection::send(std::string_view head, std::string_view body) noexcept {
  const size_t total = head.size() + body.size();
  ssize_t sent_now = body.empty() ? net::send(fd, head) : net::send(fd, head, body);
  if (sent_now == static_cast<ssize_t>(total)) [[likely]] {
    traffic->bytes_out.add(total);
    taken += total;
    return sent::all;
  }
  if (sent_now < 0) {
    if (errno != EAGAIN && errno != EINTR) return sent::broken;
    sent_now = 0;
  }
  buffers->lend(out);
  const auto skip = static_cast<size_t>(sent_now);
  traffic->bytes_out.add(skip);
  taken += skip;
  if (skip < head.size()) out.append(head.substr(skip));
  out.append(body.substr(skip > head.size() ? skip - head.size() : 0));
  if (out.failed()) return sent::broken;
  traffic->queued.add(total - skip);
  return sent::some;
}

connection::sent connection::flush() noexcept {
  while (unsent() > 0) {
    const ssize_t sent_now = net::send(fd, out.view().substr(out_begin));
    if (sent_now < 0 && errno == EINTR) continue;
    if (sent_now < 0) return errno == EAGAIN ? sent::some : sent::broken;
    const auto went = static_cast<size_t>(sent_now);
    out_begin += went;
    taken += went;
    traffic->bytes_out.add(went);
    traffic->settled.add(went);
  }
  buffers->take_back(out);
  out_begin = 0;
  return sent::all;
}

bool connection::note_progress() noexcept {
  int unacknowledged = 0;
  if (::ioctl(fd, SIOCOUTQ, &unacknowledged) != 0) unacknowledged = 0;
  const uint64_t before = std::exchange(delivered, taken - static_cast<uint64_t>(unacknowledged));
  return !std::exchange(stalls, true) || delivered > before;
}

ssize_t connection::receive(char* to, size_t size) noexcept {
  for (;;) {
    const ssize_t got = net::receive(fd, to, size);
    if (got < 0 && errno == EINTR) continue;
    // Under edge triggering a short read means that the socket was emptied (epoll(7)); the end of the stream, once
    // announced, is still to be read.
    if (got > 0) traffic->bytes_in.add(static_cast<uint64_t>(got));
    readable = got > 0 && (static_cast<size_t>(got) == size || half_closed);
    return got;
  }
}

}  // namespace fasterapi::server
