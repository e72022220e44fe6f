// The reader and the scanner, which stands in for it where simdjson refuses a text, read the same from every text; and
// what an error quotes of it is JSON again.

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/byte_buffer.h"
#include "core/utf8.h"
#include "fuzz/expect.h"
#include "json/encoding.h"
#include "json/reader.h"
#include "json/scanner.h"
#include "schema/errors.h"

namespace fasterapi::fuzz {
namespace {

using json::kind;

bool same(const json::value& a, const json::value& b) {
  if (a.kind != b.kind || a.has_surrogate != b.has_surrogate) return false;
  switch (a.kind) {
    case kind::null:
      return true;
    case kind::boolean:
      return a.boolean == b.boolean;
    case kind::integer:
      return a.integer == b.integer;
    case kind::real:
      return std::memcmp(&a.real, &b.real, sizeof a.real) == 0;
    case kind::array:
      if (a.size != b.size) return false;
      for (uint32_t i = 0; i < a.size; ++i) {
        if (!same(a.items[i], b.items[i])) return false;
      }
      return true;
    case kind::object:
      if (a.size != b.size) return false;
      for (uint32_t i = 0; i < a.size; ++i) {
        if (!same(a.members[i].key, b.members[i].key) || !same(a.members[i].item, b.members[i].item)) return false;
      }
      return true;
    default:
      return a.view() == b.view();
  }
}

void check_quoting(const json::value& read, core::arena& memory) {
  schema::error_list errors;
  errors.add(memory, schema::location{nullptr, schema::step::of("body")}, "type", "message", read);
  core::byte_buffer out;
  schema::write_errors(errors, out);
  expect(core::is_utf8(out.view()), "a quoted value is UTF-8");
  json::reader reader(json::reader::default_depth_max + 4);
  json::value again;
  expect(reader.read(out.view(), memory, again) == json::read_status::ok, "a quoted value is JSON");
}

void check(std::string_view input) {
  const std::vector<char> bytes(input.begin(), input.end());  // exactly as large as the input, so that ASan sees more
  const std::string_view text(bytes.data(), bytes.size());
  core::arena memory;
  json::reader reader;
  json::value read;
  const json::read_status status = reader.read(text, memory, read);

  std::string_view utf8;
  if (!json::to_utf8(text, memory, utf8)) {
    expect(status == json::read_status::unreadable, "what is not text is unreadable");
    return;
  }
  json::scanner scan(utf8, json::reader::default_depth_max, memory);
  json::value scanned;
  const json::scanner::outcome outcome = scan.scan(scanned);
  expect((status == json::read_status::ok) == (outcome == json::scanner::outcome::ok), "both accept or refuse");
  if (status == json::read_status::ok) {
    expect(same(read, scanned), "both read the same");
    check_quoting(read, memory);
  } else if (status == json::read_status::invalid) {
    expect(reader.problem().position <= text.size(), "a mistake lies within the text");
  }
}

}  // namespace
}  // namespace fasterapi::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fasterapi::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
