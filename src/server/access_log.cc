#include "server/access_log.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "json/writer.h"
#include "server/call.h"
#include "server/connection.h"

namespace fasterapi::server {

namespace {

constexpr size_t flush_at_bytes = 65536;

// Writes all of `bytes`; gives up where the descriptor refuses, since there is nowhere to say so.
void write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

std::string_view method_of(const call& answered) noexcept {
  return answered.path.empty() ? std::string_view("-") : answered.head.view(answered.head.method_token);
}

std::string_view target_of(const call& answered) noexcept {
  return answered.path.empty() ? std::string_view("-") : answered.head.view(answered.head.target);
}

}  // namespace

void access_log::add(const call& answered, uint16_t status, size_t body_bytes, int64_t elapsed_ns) noexcept {
  const double elapsed_ms = static_cast<double>(elapsed_ns) / 1e6;
  if (as_json_) {
    add_json(answered, status, body_bytes, elapsed_ms);
  } else {
    add_text(answered, status, body_bytes, elapsed_ms);
  }
  if (lines_.size() >= flush_at_bytes) flush();
}

void access_log::add_text(const call& answered, uint16_t status, size_t body_bytes, double elapsed_ms) noexcept {
  // The target of an accepted request holds no quotes, spaces or control characters but what the client encoded.
  lines_.append(clock_.at(wall_ms()));
  lines_.append(" INFO ");
  lines_.append(answered.origin->peer.to_string());
  lines_.append(" \"");
  lines_.append(method_of(answered));
  lines_.append(' ');
  lines_.append(target_of(answered));
  char rest[96];
  const int size = std::snprintf(rest, sizeof rest, " HTTP/1.%d\" %u %zu %.3f ms\n", answered.head.version_minor,
                                 unsigned{status}, body_bytes, elapsed_ms);
  lines_.append({rest, static_cast<size_t>(size)});
}

void access_log::add_json(const call& answered, uint16_t status, size_t body_bytes, double elapsed_ms) noexcept {
  lines_.append("{\"time\":\"");
  lines_.append(clock_.at(wall_ms()));
  lines_.append("\",\"level\":\"info\",\"logger\":\"fasterapi.access\",\"client\":");
  json::write_string(lines_, answered.origin->peer.to_string());
  lines_.append(",\"method\":");
  json::write_string(lines_, method_of(answered));
  lines_.append(",\"target\":");
  json::write_string(lines_, target_of(answered));
  char rest[160];
  const int size =
      std::snprintf(rest, sizeof rest, ",\"http_version\":\"1.%d\",\"status\":%u,\"bytes\":%zu,\"elapsed_ms\":%.3f}\n",
                    answered.head.version_minor, unsigned{status}, body_bytes, elapsed_ms);
  lines_.append({rest, static_cast<size_t>(size)});
}

void access_log::error(std::string_view request_id, std::string_view what) noexcept {
  core::byte_buffer line;
  if (as_json_) {
    line.append("{\"time\":\"");
    line.append(clock_.at(wall_ms()));
    line.append("\",\"level\":\"error\",\"logger\":\"fasterapi.error\",\"message\":");
    json::write_string(line, what);
    line.append(",\"request_id\":");
    json::write_string(line, request_id);
    line.append("}\n");
  } else {
    line.append(clock_.at(wall_ms()));
    line.append(" ERROR ");
    const std::string_view first = what.substr(0, what.find('\n'));
    line.append(first);
    line.append(" request_id=");
    line.append(request_id);
    line.append(what.substr(first.size()));
    if (what.empty() || what.back() != '\n') line.append('\n');
  }
  write_all(STDERR_FILENO, line.view());
}

void access_log::warning(std::string_view what) noexcept {
  core::byte_buffer line;
  if (as_json_) line.append("{\"time\":\"");
  line.append(clock_.at(wall_ms()));
  if (as_json_) {
    line.append("\",\"level\":\"warning\",\"logger\":\"fasterapi.server\",\"message\":");
    json::write_string(line, what);
    line.append("}\n");
  } else {
    line.append(" WARNING ");
    line.append(what);
    line.append('\n');
  }
  write_all(STDERR_FILENO, line.view());
}

void access_log::flush() noexcept {
  if (lines_.empty()) return;
  write_all(STDOUT_FILENO, lines_.view());
  lines_.clear();
}

}  // namespace fasterapi::server
