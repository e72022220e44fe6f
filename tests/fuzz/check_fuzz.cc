// Every text can be checked against every type: it is taken, or refused with an error that is JSON.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.h"
#include "core/byte_buffer.h"
#include "core/utf8.h"
#include "fuzz/expect.h"
#include "json/reader.h"
#include "schema/checker.h"
#include "schema/plan.h"

namespace fasterapi::fuzz {
namespace {

using namespace schema;

// One type of each kind that reads scalars, one union of all of them, and one list of that union.
class all_types {
 public:
  all_types() {
    const type_kind kinds[] = {
        type_kind::boolean, type_kind::integer, type_kind::real,      type_kind::string, type_kind::bytes,
        type_kind::decimal, type_kind::uuid,    type_kind::date,      type_kind::time,   type_kind::datetime,
        type_kind::none,    type_kind::any,     type_kind::timedelta,
    };
    for (const type_kind each : kinds) add(each);
    type& matched = add(type_kind::string);
    std::string reason;
    matched.pattern = pattern::create("^\\w+(-\\d{2})*$", reason);
    matched.max_length = 5;
    type& counted = add(type_kind::decimal);
    counted.max_digits = 5;
    counted.decimal_places = 2;
    bound quarter;
    quarter.holds = bound::relation::multiple_of;
    quarter.digits = "0.25";
    counted.bounds.push_back(std::move(quarter));
    type& either = plan_.add_type();
    either.kind = type_kind::union_;
    for (const type* each : all_) {
      either.members.push_back(each);
      either.labels.push_back("label");
    }
    all_.push_back(&either);
    type& limited = add(type_kind::set);
    limited.item = &either;
    limited.max_length = 3;
    type& listed = add(type_kind::list);
    listed.item = &either;
  }

  const std::vector<const type*>& all() const { return all_; }

 private:
  type& add(type_kind kind) {
    type& made = plan_.add_type();
    made.kind = kind;
    made.allow_inf_nan = kind != type_kind::decimal;
    all_.push_back(&made);
    return made;
  }

  plan plan_;
  std::vector<const type*> all_;
};

void check_value(const json::value& input, size_t size, core::arena& memory) {
  static const all_types types;
  static core::byte_buffer out;
  static json::reader reader(json::reader::default_depth_max + 4);
  for (const type* each : types.all()) {
    error_list errors;
    checker by(memory, errors, size);
    value checked;
    const bool is_valid = by.check(*each, input, location{nullptr, step::of("body")}, checked);
    expect(is_valid == errors.empty(), "what is refused has an error");
    if (is_valid) continue;
    out.clear();
    write_errors(errors, out);
    json::value again;
    expect(core::is_utf8(out.view()), "errors are UTF-8");
    expect(reader.read(out.view(), memory, again) == json::read_status::ok, "errors are JSON");
  }
}

void check(std::string_view input) {
  const std::vector<char> bytes(input.begin(), input.end());  // exactly as large as the input, so that ASan sees more
  const std::string_view text(bytes.data(), bytes.size());
  core::arena memory;
  if (core::is_utf8(text)) check_value(json::value::of_text(text), text.size(), memory);
  check_value(json::value::of_text(text, json::kind::bytes), text.size(), memory);
  json::reader reader;
  json::value read;
  if (reader.read(text, memory, read) == json::read_status::ok) check_value(read, text.size(), memory);
}

}  // namespace
}  // namespace fasterapi::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fasterapi::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
