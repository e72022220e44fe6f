#include "server/value_json.h"

#include <string>

#include "core/utf8.h"
#include "fasterapi/python/errc.h"
#include "json/writer.h"

namespace fasterapi::server {

namespace {

using python::value;

core::error no_json(const char* what) {
  return {python::errc::not_plain, std::string("JSON has no word for ") + what, {}};
}

core::result<> write_text(const std::string& text, core::byte_buffer& out) {
  if (!core::is_utf8(text)) return no_json("a lone surrogate");
  json::write_string(out, text);
  return core::nothing{};
}

core::result<> write_number(double number, core::byte_buffer& out) {
  if (!json::write_double(out, number)) return no_json("NaN and the infinities");
  return core::nothing{};
}

// What stands for a key that is no text, as Python's json has it.
core::result<> write_key(const value& key, core::byte_buffer& out) {
  switch (key.type()) {
    case value::kind::string:
      return write_text(key.text(), out);
    case value::kind::null:
    case value::kind::boolean:
    case value::kind::integer:
    case value::kind::big_integer:
    case value::kind::real: {
      out.append('"');
      TRY(write_json(key, out));
      out.append('"');
      return core::nothing{};
    }
    default:
      return no_json("a key that is neither text, a number, a bool nor None");
  }
}

core::result<> write_items(const std::vector<value>& items, core::byte_buffer& out) {
  out.append('[');
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(',');
    TRY(write_json(items[i], out));
  }
  out.append(']');
  return core::nothing{};
}

core::result<> write_entries(const std::vector<value::entry>& entries, core::byte_buffer& out) {
  out.append('{');
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out.append(',');
    TRY(write_key(entries[i].key, out));
    out.append(':');
    TRY(write_json(entries[i].item, out));
  }
  out.append('}');
  return core::nothing{};
}

}  // namespace

core::result<> write_json(const value& from, core::byte_buffer& out) {
  switch (from.type()) {
    case value::kind::null:
      out.append("null");
      break;
    case value::kind::boolean:
      out.append(from.boolean() ? "true" : "false");
      break;
    case value::kind::integer:
      json::write_int(out, from.integer());
      break;
    case value::kind::big_integer:
      out.append(from.text());
      break;
    case value::kind::real:
      return write_number(from.real(), out);
    case value::kind::string:
      return write_text(from.text(), out);
    case value::kind::bytes:
      return no_json("bytes");
    case value::kind::list:
    case value::kind::tuple:
      return write_items(from.items(), out);
    case value::kind::dict:
      return write_entries(from.entries(), out);
  }
  return core::nothing{};
}

}  // namespace fasterapi::server
