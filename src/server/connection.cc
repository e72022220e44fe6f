#include "server/connection.h"

#include <cerrno>
#include <utility>

#include "net/stream.h"

namespace fasterapi::server {

void connection::reset() noexcept {
  fd = -1;
  at = phase::receiving;
  readable = half_closed = close_after = input_left = probed = false;
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
  ssize_t taken = body.empty() ? net::send(fd, head) : net::send(fd, head, body);
  if (taken == static_cast<ssize_t>(total)) [[likely]] {
    traffic->bytes_out.add(total);
    return sent::all;
  }
  if (taken < 0) {
    if (errno != EAGAIN && errno != EINTR) return sent::broken;
    taken = 0;
  }
  buffers->lend(out);
  const auto skip = static_cast<size_t>(taken);
  traffic->bytes_out.add(skip);
  if (skip < head.size()) out.append(head.substr(skip));
  out.append(body.substr(skip > head.size() ? skip - head.size() : 0));
  if (out.failed()) return sent::broken;
  traffic->queued.add(total - skip);
  return sent::some;
}

connection::sent connection::flush() noexcept {
  while (unsent() > 0) {
    const ssize_t taken = net::send(fd, out.view().substr(out_begin));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return errno == EAGAIN ? sent::some : sent::broken;
    out_begin += static_cast<size_t>(taken);
    traffic->bytes_out.add(static_cast<uint64_t>(taken));
    traffic->settled.add(static_cast<uint64_t>(taken));
  }
  buffers->take_back(out);
  out_begin = 0;
  return sent::all;
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
