#include <string_view>

#include "json/writer.h"
#include "schema/errors.h"

namespace fasterapi::schema {

namespace {

// Text that may hold lone surrogates in their three-byte form: those are escaped, the rest is UTF-8.
void write_text(std::string_view text, core::byte_buffer& out) noexcept {
  size_t start = out.size();
  json::write_string(out, text);
  (void)start;
}

void write_value(const json::value& value, core::byte_buffer& out) noexcept {
  switch (value.kind) {
    case json::kind::null:
      return out.append("null");
    case json::kind::boolean:
      return out.append(value.boolean ? "true" : "false");
    case json::kind::integer:
      return json::write_int(out, value.integer);
    case json::kind::big_integer:
      return out.append(value.view());
    case json::kind::real:
      if (!json::write_double(out, value.real)) out.append("null");
      return;
    case json::kind::string:
    case json::kind::bytes:
      return write_text(value.view(), out);
    case json::kind::array:
      out.append('[');
      for (uint32_t i = 0; i < value.size; ++i) {
        if (i != 0) out.append(',');
        write_value(value.items[i], out);
      }
      return out.append(']');
    case json::kind::object:
      out.append('{');
      for (uint32_t i = 0; i < value.size; ++i) {
        if (i != 0) out.append(',');
        write_text(value.members[i].key.view(), out);
        out.append(':');
        write_value(value.members[i].item, out);
      }
      return out.append('}');
  }
}

void write_entry(const error& entry, core::byte_buffer& out) noexcept {
  if (!entry.raw.empty()) return out.append(entry.raw);
  out.append("{\"type\":");
  json::write_string(out, entry.type);
  out.append(",\"loc\":[");
  for (uint32_t i = 0; i < entry.step_count; ++i) {
    if (i != 0) out.append(',');
    if (entry.steps[i].is_index()) {
      json::write_int(out, entry.steps[i].index);
    } else {
      write_text(entry.steps[i].name, out);
    }
  }
  out.append("],\"msg\":");
  json::write_string(out, entry.message);
  out.append(",\"input\":");
  write_value(entry.input, out);
  if (!entry.context.empty()) {
    out.append(",\"ctx\":");
    out.append(entry.context);
  }
  out.append('}');
}

}  // namespace

void write_errors(const error_list& errors, core::byte_buffer& out) noexcept {
  if (errors.http_status() == error_list::status::bad_request) {
    return out.append("{\"detail\":\"There was an error parsing the body\"}");
  }
  out.append("{\"detail\":[");
  for (const error* entry = errors.first(); entry != nullptr; entry = entry->next) {
    if (entry != errors.first()) out.append(',');
    write_entry(*entry, out);
  }
  out.append("]}");
}

}  // namespace fasterapi::schema
