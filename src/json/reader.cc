#include "json/reader.h"

#include <simdjson.h>

namespace fasterapi::json {

reader::reader(uint32_t depth_max) noexcept
    : parser_(std::make_unique<simdjson::dom::parser>()), depth_max_(depth_max) {}

reader::~reader() = default;

read_status reader::read(std::string_view text, core::arena& arena, value& out) noexcept {
  (void)text, (void)arena, (void)out;
  return read_status::unreadable;
}

}  // namespace fasterapi::json
