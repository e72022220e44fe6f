#include <cstring>
#include <string_view>

#include "core/utf8.h"
#include "json/writer.h"
#include "schema/errors.h"

namespace fasterapi::schema {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

// A surrogate in its three-byte form, as a JSON escape.
void write_surrogate(std::string_view text, core::byte_buffer& out) noexcept {
  const auto low = static_cast<unsigned>((text[1] & 0x3F) << 6 | (text[2] & 0x3F));
  out.append("\\ud");
  for (const unsigned shift : {8U, 4U, 0U}) out.append(hex_digits[low >> shift & 0xF]);
}

// Takes the quotes from the string that was written at `start`.
void drop_quotes(core::byte_buffer& out, size_t start) noexcept {
  if (out.failed() || out.size() < start + 2) return;
  const size_t inside = out.size() - start - 2;
  std::memmove(out.data() + start, out.data() + start + 1, inside);
  out.truncate(start + inside);
}

// A string between quotes. What is not UTF-8 is written as what it most likely is: the three-byte form of a surrogate
// as an escape, anything else as U+FFFD.
void write_text(std::string_view text, core::byte_buffer& out) noexcept {
  if (core::is_utf8(text)) return json::write_string(out, text);
  out.append('"');
  while (!text.empty()) {
    const bool is_surrogate = text.size() >= 3 && text[0] == '\xED' && (text[1] & 0xE0) == 0xA0;
    const core::utf8_step step = core::next_utf8(text);
    const size_t size = is_surrogate ? 3 : step.size;
    if (is_surrogate) {
      write_surrogate(text, out);
    } else if (step.is_valid) {
      const size_t start = out.size();
      json::write_string(out, text.substr(0, size));
      drop_quotes(out, start);
    } else {
      out.append(core::replacement_character);
    }
    text.remove_prefix(size);
  }
  out.append('"');
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
