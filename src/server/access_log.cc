#include "server/access_log.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "http/trace_context.h"
#include "json/writer.h"
#include "server/call.h"
#include "server/connection.h"

namespace fasterapi::server {

namespace {

constexpr size_t flush_at_bytes = 16384;
constexpr size_t waiting_bytes = size_t{1} << 20;  // lines that nobody has read yet; more are dropped
constexpr size_t waiting_error_bytes = size_t{1} << 16;

std::string_view method_of(const call& answered) noexcept {
  return answered.path.empty() ? std::string_view("-") : answered.head.view(answered.head.method_token);
}

std::string_view target_of(const call& answered) noexcept {
  return answered.path.empty() ? std::string_view("-") : answered.head.view(answered.head.target);
}

// Where the handler ran; "engine" where none was asked.
std::string_view placement_of(const call_outcome& how) noexcept {
  if (!how.handed_out) return "engine";
  return how.pooled ? "pool" : "inline";
}

double elapsed_ms(const call_outcome& how) noexcept { return static_cast<double>(how.latency_ns) / 1e6; }

}  // namespace

access_log::access_log(const config& settings)
    : enabled_(settings.access_log),
      as_json_(settings.access_log_json),
      worker_(settings.worker),
      clock_(settings.access_log_json),
      writer_(log_writer::of_process(), enabled_ ? waiting_bytes : waiting_error_bytes, as_json_) {}

void access_log::add(const call& answered, const log_entry& entry) noexcept {
  if (as_json_) {
    add_json(answered, entry);
  } else {
    add_text(answered, entry);
  }
  if (lines_.size() >= flush_at_bytes) flush();
}

void access_log::add_text(const call& answered, const log_entry& entry) noexcept {
  // The target of an accepted request holds no quotes, spaces or control characters but what the client encoded.
  lines_.append(clock_.at(wall_ms()));
  lines_.append(" INFO ");
  lines_.append(answered.origin->peer.to_string());
  lines_.append(" \"");
  lines_.append(method_of(answered));
  lines_.append(' ');
  lines_.append(target_of(answered));
  char rest[128];
  int size = std::snprintf(rest, sizeof rest, " HTTP/1.%d\" %u %zu %.3f ms", answered.head.version_minor,
                           unsigned{entry.how.status}, entry.body_bytes, elapsed_ms(entry.how));
  lines_.append({rest, static_cast<size_t>(size)});
  if (worker_ >= 0) {
    size = std::snprintf(rest, sizeof rest, " worker=%d", int{worker_});
    lines_.append({rest, static_cast<size_t>(size)});
  }
  lines_.append(' ');
  lines_.append(placement_of(entry.how));
  if (entry.how.timed_out) lines_.append(" timeout");
  lines_.append(" request_id=");
  lines_.append(answered.id().view());
  lines_.append('\n');
}

void access_log::add_json(const call& answered, const log_entry& entry) noexcept {
  const auto text = [this](std::string_view name, std::string_view value) {
    lines_.append(",\"");
    lines_.append(name);
    lines_.append("\":");
    json::write_string(lines_, value);
  };
  lines_.append("{\"time\":\"");
  lines_.append(clock_.at(wall_ms()));
  lines_.append("\",\"level\":\"info\",\"logger\":\"fasterapi.access\"");
  text("client", answered.origin->peer.to_string());
  text("method", method_of(answered));
  text("target", target_of(answered));
  text("route", entry.route);
  text("placement", placement_of(entry.how));
  text("request_id", answered.id().view());
  const std::string_view trace = answered.trace_parent();
  if (!trace.empty()) text("traceparent", trace);
  if (entry.how.timed_out) lines_.append(",\"timeout\":true");
  char rest[192];
  int size =
      std::snprintf(rest, sizeof rest, ",\"http_version\":\"1.%d\",\"status\":%u,\"bytes\":%zu,\"elapsed_ms\":%.3f",
                    answered.head.version_minor, unsigned{entry.how.status}, entry.body_bytes, elapsed_ms(entry.how));
  lines_.append({rest, static_cast<size_t>(size)});
  if (worker_ >= 0) {
    size = std::snprintf(rest, sizeof rest, ",\"worker\":%d", int{worker_});
    lines_.append({rest, static_cast<size_t>(size)});
  }
  lines_.append("}\n");
}

void access_log::error(const call& about, std::string_view what) noexcept {
  const http::request_id id = about.id();
  core::byte_buffer line;
  if (as_json_) {
    line.append("{\"time\":\"");
    line.append(clock_.at(wall_ms()));
    line.append("\",\"level\":\"error\",\"logger\":\"fasterapi.error\",\"message\":");
    json::write_string(line, what);
    line.append(",\"request_id\":");
    json::write_string(line, id.view());
    if (const std::string_view trace = about.trace_parent(); !trace.empty()) {
      line.append(",\"traceparent\":");
      json::write_string(line, trace);
    }
    line.append("}\n");
  } else {
    line.append(clock_.at(wall_ms()));
    line.append(" ERROR ");
    const std::string_view first = what.substr(0, what.find('\n'));
    line.append(first);
    line.append(" request_id=");
    line.append(id.view());
    line.append(what.substr(first.size()));
    if (what.empty() || what.back() != '\n') line.append('\n');
  }
  dropped_ += writer_.write(STDERR_FILENO, line.view());
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
  dropped_ += writer_.write(STDERR_FILENO, line.view());
}

void access_log::flush() noexcept {
  if (lines_.empty()) return;
  dropped_ += writer_.write(STDOUT_FILENO, lines_.view());
  lines_.clear();
}

uint64_t access_log::take_dropped() noexcept { return std::exchange(dropped_, 0); }

}  // namespace fasterapi::server
