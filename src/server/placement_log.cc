#include "server/placement_log.h"

#include <unistd.h>

#include <cstdio>

#include "core/byte_buffer.h"
#include "json/writer.h"

namespace fasterapi::server {

std::string describe(const placement::move& moved, const std::string& label) {
  char why[160];
  const double measured_ms = static_cast<double>(moved.measured_ns) / 1e6;
  if (moved.why == placement::cause::proved_fast) {
    std::snprintf(why, sizeof why, " now runs inline: %u calls took less than %.1f ms each", moved.calls,
                  static_cast<double>(placement::fast_ns) / 1e6);
  } else {
    std::snprintf(why, sizeof why, " now runs in the pool: a call took %.1f ms; inline again after %u fast ones",
                  measured_ms, moved.calls);
  }
  return label + why;
}

void placement_log::tell(const placement::move& moved, const std::string& label) noexcept {
  if (!enabled_) return;
  const std::string text = describe(moved, label);
  core::byte_buffer line;
  if (as_json_) {
    line.append("{\"time\":\"");
    line.append(clock_.at(wall_ms()));
    line.append("\",\"level\":\"info\",\"logger\":\"fasterapi.placement\",\"message\":");
    json::write_string(line, text);
    line.append("}\n");
  } else {
    line.append(clock_.at(wall_ms()));
    line.append(" INFO ");
    line.append(text);
    line.append("\n");
  }
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.view().data(), line.view().size());
}

}  // namespace fasterapi::server
